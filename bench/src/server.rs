//! The processes under measurement: starting them, reading their ready line, reading their processor time, ending them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use hyper::header::HeaderValue;
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use url::Url;

use crate::http::{Connection, Target};

/// A floor fills its pool before it is ready: 1,000,000 rows take some seconds, on a busy disk many.
const READY_MAX: Duration = Duration::from_secs(300);
/// Linux counts processor time for user space in 1/100 s on every architecture (USER_HZ).
const TICK: Duration = Duration::from_millis(10);
/// Between two looks whether a server answers: what a start time may be too long by.
const LOOK_EVERY: Duration = Duration::from_millis(1);
const LOG_LINES: usize = 15;

pub struct Server {
    pub target: Target,
    pub pid: u32,
    log: PathBuf,
    /// Killed when dropped.
    _child: Child,
    /// Held open, where it is read: a closed pipe would fail a server that prints more.
    _stdout: Option<BufReader<ChildStdout>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ready {
    url: String,
    api_key: Option<String>,
}

impl Server {
    /// Starts `program`; its human output goes to the file `log`.
    pub async fn start(program: &Path, arguments: &[String], log: PathBuf) -> anyhow::Result<Self> {
        let mut child = spawn(program, arguments, Stdio::piped(), File::create(&log)?)?;
        let mut stdout = BufReader::new(child.stdout.take().context("no stdout")?);
        let mut line = String::new();
        tokio::time::timeout(READY_MAX, stdout.read_line(&mut line)).await.context("never became ready")??;
        let ready: Ready = match serde_json::from_str(&line) {
            Ok(ready) => ready,
            Err(_) => bail!("{} printed {line:?} instead of its ready line{}", program.display(), tail(&log)),
        };
        let address = ready.url.parse::<Url>()?.socket_addrs(|| None)?.first().copied().context("no address in the ready line")?;
        let api_key = HeaderValue::from_str(ready.api_key.as_deref().unwrap_or("none"))?;
        let pid = child.id().context("ended at once")?;
        Ok(Self { target: Target { address, api_key }, pid, log, _child: child, _stdout: Some(stdout) })
    }

    /// Starts a program that says nowhere when it is ready, to listen at the target's address. How long until it answered a request, too.
    pub async fn start_at(program: &Path, arguments: &[String], log: PathBuf, target: Target) -> anyhow::Result<(Self, Duration)> {
        let file = File::create(&log)?;
        let begun = Instant::now();
        let mut child = spawn(program, arguments, file.try_clone()?.into(), file)?;
        while !answers(&target).await {
            if let Some(status) = child.try_wait()? {
                bail!("{} ended with {status}{}", program.display(), tail(&log));
            }
            if begun.elapsed() > READY_MAX {
                bail!("{} never answered{}", program.display(), tail(&log));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        let took = begun.elapsed();
        let pid = child.id().context("ended at once")?;
        Ok((Self { target, pid, log, _child: child, _stdout: None }, took))
    }

    /// The end of what it logged, for an error message.
    pub fn log_tail(&self) -> String {
        tail(&self.log)
    }

    /// Resident memory in MiB.
    pub fn resident_mib(&self) -> Option<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        Some(line.trim().strip_suffix(" kB")?.parse::<f64>().ok()? / 1024.0)
    }
}

fn spawn(program: &Path, arguments: &[String], stdout: Stdio, log: File) -> anyhow::Result<Child> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(stdout).stderr(log).kill_on_drop(true);
    command.spawn().with_context(|| format!("starting {}", program.display()))
}

/// Whether a request is answered there; of all paths the one that wants neither a key nor an order.
async fn answers(target: &Target) -> bool {
    let Ok(mut connection) = Connection::open(target).await else { return false };
    connection.get("/health").await.is_ok_and(|(status, _)| status.is_success())
}

fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let last = lines.get(lines.len().saturating_sub(LOG_LINES)..).unwrap_or_default();
    if last.is_empty() { String::new() } else { format!("\nthe end of its log:\n{}", last.join("\n")) }
}

/// User and system time of a process so far.
pub fn cpu_time(pid: u32) -> Option<Duration> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Fields 14 and 15 of proc_pid_stat(5), counted from behind the name, which may hold anything.
fn parse_stat(stat: &str) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some(TICK * user.checked_add(system)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_process_may_hold_brackets() {
        let stat = "42 (a) (b) S 1 42 42 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 3 0 1 2 3";
        assert_eq!(parse_stat(stat), Some(Duration::from_secs(3)));
        assert_eq!(parse_stat("gone"), None);
    }
}
