# Test sshd's whole configuration with a new drop-in, and that the user of this login is still allowed. Argument: its file.
drop_ins=/etc/ssh/sshd_config.d
main=/etc/ssh/sshd_config
if ! grep -q "$drop_ins" $main; then
    echo "$main does not include $drop_ins; put 'Include $drop_ins/*.conf' at its top" >&2
    exit 1
fi
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
mkdir -p /run/sshd "$folder/sshd_config.d"
cp $drop_ins/*.conf "$folder/sshd_config.d" 2>/dev/null
cp "$1" "$folder/sshd_config.d/10-mcp-base.conf"
sed "s#$drop_ins#$folder/sshd_config.d#" $main >"$folder/sshd_config"
user=${SUDO_USER:-$(id -un)}
if ! settings=$(/usr/sbin/sshd -T -f "$folder/sshd_config" -C "user=$user,host=localhost,addr=127.0.0.1" 2>&1); then
    echo "sshd rejects the settings: $settings" | sed "s#$folder#/etc/ssh#g" >&2
    exit 1
fi
allowed=$(echo "$settings" | sed -n 's/^allowusers //p')
for pattern in $allowed; do
    case $user in ${pattern%%@*}) allowed= ;; esac
done
if [ -n "$allowed" ]; then
    echo "These settings would lock $user out: allowusers (" $allowed ") does not name $user" >&2
    exit 1
fi
if [ "$user" = root ] && echo "$settings" | grep -q '^permitrootlogin no'; then
    echo "These settings would lock root out: permitrootlogin is no" >&2
    exit 1
fi
