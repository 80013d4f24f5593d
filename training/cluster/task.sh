#!/bin/sh
# One task of a run, as Slurm's arrays call it: trains task $SLURM_ARRAY_TASK_ID, or
# with "finish" ends the run. Asked to end, it lets lungtrain write a checkpoint. A
# process that dies is started again, three times; it goes on where it was.
set -u
if [ "${1:-}" = finish ]; then
	set -- {{words .Finish}}
else
	set -- {{quote .Program}} task "$SLURM_ARRAY_TASK_ID" --of {{quote .Run}}
fi
trap 'kill -TERM "$child" 2>/dev/null; wait "$child"; exit 143' TERM INT
for try in 1 2 3 4; do
	"$@" &
	child=$!
	wait "$child"
	code=$?
	case $code in
	0) exit 0 ;;
	2) exit 2 ;; # wrong usage: trying again would not help
	esac
	echo "ended with code $code (try $try of 4)" >&2
	sleep 2
done
exit "$code"
