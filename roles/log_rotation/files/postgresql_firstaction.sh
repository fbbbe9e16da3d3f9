# Without the collector, each process of the server keeps the renamed file open until it ends.
command -v pg_lsclusters > /dev/null || exit 0
pg_lsclusters --no-header | while read -r version cluster port status owner data log; do
    case $status in online*) ;; *) continue ;; esac
    pgrep -P "$(head -n 1 "$data/postmaster.pid")" -f 'logger *$' > /dev/null && continue
    echo "PostgreSQL $version/$cluster would go on with a renamed log." \
        "Set logging_collector = on for it, or method: copytruncate for the rule postgresql." >&2
    exit 1
done
