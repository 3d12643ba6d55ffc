import { signal } from "@preact/signals";

import { isAbort } from "../api/client";
import * as api from "../api/endpoints";
import type { Job } from "../api/types";
import { reload } from "./results";
import { loadStatus, mayWrite } from "./status";

/** Newest first. */
export const jobs = signal<Job[]>([]);

export const isOver = (job: Job) => job.state === "done" || job.state === "failed" || job.state === "cancelled";

const followed = new Set<string>();

export async function loadJobs() {
  if (!mayWrite.value) return;
  try {
    jobs.value = (await api.jobs()).jobs;
    for (const job of jobs.value) if (!isOver(job)) follow(job);
  } catch (error) {
    if (!isAbort(error)) jobs.value = [];
  }
}

/** Starts to index folders; without any, brings all up to date. */
export async function index(paths: string[]) {
  const job = await api.startJob(paths);
  put(job);
  follow(job);
  return job;
}

export async function cancel(job: Job) {
  await api.cancelJob(job.id);
}

function put(job: Job) {
  const known = jobs.value.some((one) => one.id === job.id);
  jobs.value = known ? jobs.value.map((one) => (one.id === job.id ? job : one)) : [job, ...jobs.value];
}

/** Follows a job by the server's events until it is over. */
function follow({ id }: Job) {
  if (followed.has(id)) return;
  followed.add(id);
  const events = new EventSource(api.url.jobEvents(id));
  events.addEventListener("job", (event) => {
    const job = JSON.parse((event as MessageEvent<string>).data) as Job;
    put(job);
    if (!isOver(job)) return;
    events.close();
    void loadStatus();
    reload();
  });
}
