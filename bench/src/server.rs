//! The processes under measurement: starting them, reading their ready line, reading their processor time, ending them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use hyper::header::HeaderValue;
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use url::Url;

use crate::http::Target;

/// A floor fills its pool before it is ready: 1,000,000 rows take some seconds, on a busy disk many.
const READY_MAX: Duration = Duration::from_secs(300);
/// Linux counts processor time for user space in 1/100 s on every architecture (USER_HZ).
const TICK: Duration = Duration::from_millis(10);
const LOG_LINES: usize = 15;

pub struct Server {
    pub target: Target,
    pub pid: u32,
    log: PathBuf,
    /// Killed when dropped.
    _child: Child,
    /// Held open: a closed pipe would fail a server that prints more.
    _stdout: BufReader<ChildStdout>,
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
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&log)?)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
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
        Ok(Self { target: Target { address, api_key }, pid, log, _child: child, _stdout: stdout })
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
