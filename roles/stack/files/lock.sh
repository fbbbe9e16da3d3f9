# Takes the deploy lock in $STATE when nobody holds it, $RUN does, or the file is $DEAD as it was judged; without a $RECORD it only asks.
# Otherwise, with the status 1: the lock's age in seconds, its sum, its content.
[ -d "$STATE" ] || [ -z "$RECORD" ] || mkdir -m 0755 -p "$STATE"
cd "$STATE" 2>/dev/null || { [ -z "$RECORD" ] && exit; echo "There is no folder $STATE." >&2; exit 2; }
exec 9<. && flock 9
sum=$(sha256sum lock.json 2>/dev/null)
if [ -z "$sum" ] || grep -qs "\"run\": \"$RUN\"" lock.json || [ "$sum" = "$DEAD" ]; then
    [ -n "$RECORD" ] || exit 0
    set -e
    printf '%s\n' "$RECORD" > .lock.json
    chmod 0640 .lock.json
    mv .lock.json lock.json
    [ -z "$ABANDONED" ] || printf '%s\n' "$ABANDONED" >> deploys.jsonl
    exit 0
fi
echo $(($(date +%s) - $(stat -c %Y lock.json)))
echo "$sum"
python3 -m json.tool --no-indent lock.json 2>/dev/null || echo '{}'
exit 1
