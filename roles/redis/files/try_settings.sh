# Lets a Redis of its own read settings and users, which come on standard input with a form feed between them. Nobody reaches that
# server, and it ends over a snapshot that is none. Status 1 and a sentence on standard error say what it refuses.
umask 077
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
awk -v RS='\f' -v folder="$folder" '{ printf "%s", $0 > (folder "/" (NR == 1 ? "redis.conf" : "users.acl")) }'
echo "This is no snapshot." >"$folder/dump.rdb"
timeout 20 redis-server "$folder/redis.conf" --port 0 --tls-port 0 --unixsocket s --aclfile users.acl --dir "$folder" \
    --dbfilename dump.rdb --appendonly no --logfile "" --pidfile "" --supervised no >"$folder/output" 2>&1
grep -q "Fatal error loading the DB" "$folder/output" && exit 0
awk -v users="$folder/users.acl" '
    /^>>> / { setting = substr($0, 6, length($0) - 6); getline; print "Redis refuses the setting `" setting "`: " $0 "."; printed = 1; exit }
    (at = index($0, "users.acl:")) {
        complaint = substr($0, at + 10)
        for (line = complaint + 0; line > 0; line--) getline user <users
        sub(/^[0-9]+:? /, "", complaint)
        sub(/( [^ ]*users\.acl:| WARNING: ACL errors).*/, "", complaint)
        sub(/^Error in applying operation ./, "the rule `", complaint)
        sub(/.: /, "`: ", complaint)
        split(user, words, " ")
        print "Redis refuses the user `" words[2] "`, " complaint
        printed = 1
        exit
    }
    { sub(/^[0-9]+:[A-Z] .{24} . /, ""); before = last; last = $0 }
    END { if (!printed) print "Redis refuses the settings: " before "; " last }
' "$folder/output" >&2
exit 1
