//! How `sensorium serve` holds up: 64 clients that ask without a pause for a minute, over 50,000 items, beside the same encoding and
//! searching without a server.
//!
//! Both are measured in turns on the same cores. Clients of a server cost time, too, on these cores; so, beside the searches without a
//! server, as much time is spent on nothing as the clients took.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark may panic and print"
)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use sensorium_engine::Searcher;
use sensorium_media::Limits;
use sensorium_model::Package;
use sensorium_types::Modality;
use serde_json::{Value, json};

use self::common::{fill, quantile, query, words};

const ITEMS: usize = 50_000;
const CLIENTS: usize = 64;
const ROUNDS: usize = 3;
const ROUND: Duration = Duration::from_secs(20);

/// Queries that a server answers together, too.
const BATCH: usize = 32;

fn main() {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let package = Arc::new(Package::open(&checkout.join("models/base")).unwrap());
    let threads = thread::available_parallelism().unwrap().get();
    let folder = tempfile::tempdir().unwrap();
    let index = folder.path().join("index");
    fill(&index, ITEMS, &package);
    println!(
        "\n{ITEMS} items, {CLIENTS} clients, {threads} cores, {ROUNDS} rounds of {} s",
        ROUND.as_secs()
    );

    let server = Server::start(&index, &checkout, &[]);
    let mut searcher = Searcher::open(&index, &package, Limits::default(), threads).unwrap();
    server.ask(Duration::from_secs(3));
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let asked = server.ask(ROUND);
        let alone = without_a_server(&mut searcher, asked.share_of_clients);
        println!(
            "served {:>6.1}/s, p50 {:>5.0} ms, p95 {:>5.0} ms   without a server {alone:>6.1}/s   ratio {:.2}   \
             clients {:.2} cores   server {} MiB   {}",
            asked.per_second,
            quantile(asked.milliseconds.iter().copied(), 0.5),
            quantile(asked.milliseconds.iter().copied(), 0.95),
            asked.per_second / alone,
            asked.share_of_clients,
            server.memory() >> 20,
            asked.told(),
        );
        rounds.push(asked.per_second / alone);
    }
    println!("median ratio {:.2}", quantile(rounds.into_iter(), 0.5));
    drop(server);

    let overloaded = Server::start(&index, &checkout, &["--queue", "8"]).ask(ROUND);
    println!(
        "at most 8 waiting: served {:.1}/s, {}",
        overloaded.per_second,
        overloaded.told()
    );
}

/// A server in a process of its own.
struct Server {
    child: Child,
    address: String,
    number: AtomicUsize,
}

/// What came of asking.
struct Asked {
    per_second: f64,
    milliseconds: Vec<f64>,
    statuses: BTreeMap<u16, usize>,
    /// How many cores the clients took.
    share_of_clients: f64,
}

impl Asked {
    fn told(&self) -> String {
        let counts = self.statuses.iter();
        let counts: Vec<String> = counts
            .map(|(status, count)| format!("{count} times {status}"))
            .collect();
        counts.join(", ")
    }
}

impl Server {
    fn start(index: &Path, checkout: &Path, options: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sensorium"))
            .args(["serve", "--json", "--port", "0", "--index"])
            .arg(index)
            .arg("--cache")
            .arg(index.with_file_name("cache"))
            .args(options)
            .env("SENSORIUM_MODEL", checkout.join("models/base"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let started: Value = serde_json::from_str(&line).unwrap();
        Self {
            child,
            address: started["address"].as_str().unwrap().to_owned(),
            number: AtomicUsize::new(0),
        }
    }

    /// Lets all clients ask without a pause for `time`.
    fn ask(&self, time: Duration) -> Asked {
        let (started, before) = (Instant::now(), cpu_seconds());
        let clients = thread::scope(|scope| {
            let clients: Vec<_> = (0..CLIENTS)
                .map(|_| scope.spawn(|| self.ask_until(started + time)))
                .collect();
            let answers = clients.into_iter().map(|client| client.join().unwrap());
            answers.collect::<Vec<_>>()
        });
        let took = started.elapsed().as_secs_f64();
        let mut statuses = BTreeMap::new();
        let mut milliseconds = Vec::new();
        for (status, time) in clients.into_iter().flatten() {
            *statuses.entry(status).or_default() += 1;
            milliseconds.extend((status == 200).then_some(time));
        }
        Asked {
            per_second: milliseconds.len() as f64 / took,
            milliseconds,
            statuses,
            share_of_clients: (cpu_seconds() - before) / took,
        }
    }

    /// The status of each answer and how long it took, in milliseconds.
    fn ask_until(&self, end: Instant) -> Vec<(u16, f64)> {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .build()
            .new_agent();
        let url = format!("{}/api/v1/search", self.address);
        let mut answers = Vec::new();
        while Instant::now() < end {
            let number = self.number.fetch_add(1, Ordering::Relaxed);
            let body = json!({"parts": [{"text": words(number)}], "limit": 10});
            let asked = Instant::now();
            let mut answer = agent.post(&url).send_json(&body).unwrap();
            answer.body_mut().read_to_vec().unwrap();
            answers.push((answer.status().as_u16(), asked.elapsed().as_secs_f64() * 1000.0));
            if answer.status() == 503 {
                // As it was told, but not all at the same time.
                thread::sleep(Duration::from_millis(500 + number as u64 % 1000));
            }
        }
        answers
    }

    /// What the server holds, in bytes.
    fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() << 10
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Searches a second, a batch at a time, while `share` of a core is spent on nothing.
fn without_a_server(searcher: &mut Searcher, share: f64) -> f64 {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for part in 0..share.ceil() as usize {
            let share = (share - part as f64).min(1.0);
            let done = &done;
            scope.spawn(move || spend(share, done));
        }
        let (started, mut count) = (Instant::now(), 0);
        while started.elapsed() < ROUND {
            let batch = (count..count + BATCH).map(|number| query(number, Modality::ALL.to_vec()));
            let answers = searcher.search_all(batch.collect());
            assert!(answers.into_iter().all(|answer| answer.unwrap().hits.len() == 10));
            count += BATCH;
        }
        done.store(true, Ordering::Relaxed);
        count as f64 / started.elapsed().as_secs_f64()
    })
}

/// Takes `share` of a core until it is `done`.
fn spend(share: f64, done: &AtomicBool) {
    const STEP: Duration = Duration::from_millis(10);
    while !done.load(Ordering::Relaxed) {
        let started = Instant::now();
        while started.elapsed() < STEP.mul_f64(share) {
            std::hint::spin_loop();
        }
        thread::sleep(STEP.mul_f64(1.0 - share));
    }
}

/// Seconds of all cores that this process has taken.
fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    ticks / 100.0
}
