# The collector opens its file anew.
command -v pg_lsclusters > /dev/null || exit 0
pg_lsclusters --no-header | while read -r version cluster port status owner data log; do
    case $status in online*) ;; *) continue ;; esac
    runuser -u "$owner" -- "/usr/lib/postgresql/$version/bin/pg_ctl" logrotate --silent --pgdata "$data" || exit 1
    collector=$(pgrep -P "$(head -n 1 "$data/postmaster.pid")" -f 'logger *$')
    # Its own standard output and error stay with the file that the server was started with.
    for pause in $(seq 100); do
        [ -n "$(find "/proc/$collector/fd" -lname '*.log.1' ! -name 1 ! -name 2)" ] || continue 2
        sleep 0.1
    done
    echo "PostgreSQL $version/$cluster still writes to its renamed log." >&2
    exit 1
done
