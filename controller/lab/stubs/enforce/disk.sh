# Makes the file systems of a host of the enforcing lab full, read-only (ro) or well (ok), as its one argument says. Full: no process
# may make a file longer, while files can still be made, renamed and removed. Read by process 1 at boot, and run by the lab.
# shellcheck shell=sh disable=SC3045 # dash, bash and ksh have prlimit's numbers in bytes
case $1 in
    full) mode=rw limit=0: ;;
    ro) mode=ro limit=unlimited: ;;
    *) mode=rw limit=unlimited: ;;
esac
folders='/etc /var /tmp /root'
[ ! -d /usr/lib/svc/method ] || folders="$folders /usr/lib/svc"
for folder in $folders; do
    mount -n -o "remount,bind,$mode" "$folder"
done
for process in /proc/[0-9]*; do
    # Some have ended meanwhile.
    prlimit --pid "${process#/proc/}" --fsize="$limit" 2>/dev/null || :
done
