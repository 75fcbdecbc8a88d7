// What the accounting of a site says of ended tasks, as recorded on real ones.
import assert from "node:assert/strict";
import { test } from "node:test";
import { endedByFile, endedBySacct, endedWords, endOf } from "../../src/cluster/slurm.ts";

test("sacct's states are read: task by task, and together for those that never began", () => {
  const ended = endedBySacct(
    "7_0|COMPLETED|0:0\n7_1|OUT_OF_MEMORY|0:125\n7_2|TIMEOUT|0:0\n7_3|NODE_FAIL|1:0\n7_[4-9%2]|CANCELLED by 1000|0:0\n",
  );
  const words = (index: number): string => endedWords(endOf(ended, "7", index)!);
  assert.match(words(1), /^out of memory: ask for more with --mem/);
  assert.match(words(2), /^its time limit ended: ask for more with --time/);
  assert.match(words(3), /^its node failed/);
  assert.match(words(8), /^it was cancelled/);
  assert.equal(endOf(ended, "70", 1), undefined);
});

test("the lines of jobcomp/filetxt are read; of a requeued task's the last counts", () => {
  const line = (job: number, state: string, array: string, exit: string): string =>
    `JobId=${job} UserId=root(0) GroupId=root(0) Name=abkd-0-a1 JobState=${state} Partition=low TimeLimit=60 ` +
    `StartTime=2026-11-30T07:02:28 EndTime=2026-11-30T07:02:29 NodeList=n2 NodeCnt=1 ProcCnt=1 WorkDir=/root ` +
    `ReservationName= Tres=cpu=1,mem=1000M,node=1,billing=1 Account= QOS= WcKey= Cluster=unknown ` +
    `SubmitTime=2026-11-30T07:02:27 EligibleTime=2026-11-30T07:02:28${array} DerivedExitCode=0:0 ExitCode=${exit} \n`;
  const ended = endedByFile(
    line(3, "NODE_FAIL", " ArrayJobId=1 ArrayTaskId=1", "0:0") +
      line(3, "OUT_OF_MEMORY", " ArrayJobId=1 ArrayTaskId=1", "0:125") +
      line(1, "FAILED", " ArrayJobId=1 ArrayTaskId=3", "0:9") +
      line(9, "CANCELLED", "", "0:0"),
  );
  assert.match(endedWords(endOf(ended, "1", 1)!), /^out of memory/);
  assert.equal(endedWords(endOf(ended, "1", 3)!), "it ended as FAILED, exit code 0:9");
  assert.match(endedWords(endOf(ended, "9", 5)!), /^it was cancelled/);
});
