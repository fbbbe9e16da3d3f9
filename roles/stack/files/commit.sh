# Makes a commit of the archive on standard input (tar.xz, base64) in a bare repository, $1, and prints it. Author, date and settings are
# fixed, so that the same content is the same commit everywhere. Without `write` as $2 it leaves the repository alone.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/tree"
base64 --decode | tar --extract --xz --directory "$work/tree"
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 LC_ALL=C
export GIT_AUTHOR_NAME=mcp.aws GIT_AUTHOR_EMAIL=mcp.aws@localhost GIT_AUTHOR_DATE=2000-01-01T00:00:00+00:00
export GIT_COMMITTER_NAME=mcp.aws GIT_COMMITTER_EMAIL=mcp.aws@localhost GIT_COMMITTER_DATE=2000-01-01T00:00:00+00:00
git init --quiet --bare --initial-branch main "$work/main.git"
git="git --git-dir $work/main.git"
$git -c core.autocrlf=false -c core.fileMode=true --work-tree "$work/tree" add --all .
commit=$($git commit-tree "$($git write-tree)" -m 'Packed by mcp.aws')
$git update-ref refs/heads/main "$commit"
if [ "$(git --git-dir "$1" rev-parse --verify --quiet refs/heads/main 2>/dev/null)" = "$commit" ]; then
    echo "$commit"
    exit
fi
echo "$commit new"
if [ "$2" = write ]; then
    git init --quiet --bare --initial-branch main "$1"
    git --git-dir "$1" fetch --quiet --force "$work/main.git" main:main
fi
