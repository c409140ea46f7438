//! Starts the program of a sandbox, and hears what it says of itself. It must not know what tests do with it.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use payin_types::EventType;
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use super::{Sandbox, SandboxError, Webhooks};
use crate::client::Client;

/// Names the program to start.
const PROGRAM_VARIABLE: &str = "PAYIN_SERVER_PROGRAM";
/// What is started where no program was named.
const PROGRAM: &str = "payin-server";
/// A sandbox that has not said that it is ready by then never will; an ordinary start takes a fraction of a second.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// How long is waited for the last words of a program that has ended: another one that it has started may hold its stderr open.
const LAST_WORDS_WITHIN: Duration = Duration::from_secs(1);
/// As much as is kept of what the program says on stderr.
const LOG_BYTES_MAX: usize = 256 * 1024;

/// How a sandbox is started.
#[derive(Debug, Clone)]
#[must_use]
pub struct SandboxBuilder {
    program: Option<PathBuf>,
    seed: Option<u64>,
    args: Vec<String>,
    events: Vec<EventType>,
}

impl SandboxBuilder {
    /// With these events, and all else as it is by itself.
    pub(super) fn new(events: Vec<EventType>) -> Self {
        Self { program: None, seed: None, args: Vec::new(), events }
    }

    /// The program, instead of the one that `PAYIN_SERVER_PROGRAM` names, or the PATH has.
    pub fn program(mut self, path: impl Into<PathBuf>) -> Self {
        self.program = Some(path.into());
        self
    }

    /// Makes ids, keys, chains and time the same in every run.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// One more argument of `payin-server dev`, such as `--rate-limits`.
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// What [`Sandbox::webhooks`] is sent, instead of what changes an order or a deposit.
    pub fn events(mut self, events: impl IntoIterator<Item = EventType>) -> Self {
        self.events = events.into_iter().collect();
        self
    }

    /// Starts it.
    ///
    /// # Errors
    /// [`SandboxError::NotStarted`] says why there is none, in the program's own words if it had any.
    pub async fn start(self) -> Result<Sandbox, SandboxError> {
        let program = self.program.or_else(|| crate::world::variable(PROGRAM_VARIABLE).map(PathBuf::from));
        let program = program.unwrap_or_else(|| PathBuf::from(PROGRAM));
        let mut command = Command::new(&program);
        command.args(["dev", "--listen", "127.0.0.1:0", "--clock", "virtual"]);
        command.args(self.seed.iter().flat_map(|seed| ["--seed".to_owned(), seed.to_string()])).args(&self.args);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().map_err(|error| {
            let instead = format!("install {PROGRAM}, name its path in {PROGRAM_VARIABLE}, or call `program`");
            SandboxError::NotStarted(format!("{}: {error}; {instead}", program.display()))
        })?;
        let log = Log::default();
        let keeping = child.stderr.take().map(|stderr| log.keep(stderr));
        let ready = match tokio::time::timeout(READY_WITHIN, ready(&mut child)).await {
            Ok(Some(ready)) => ready,
            Ok(None) => {
                // Its last words may still be on their way.
                let _ = child.wait().await;
                if let Some(keeping) = keeping {
                    let _ = tokio::time::timeout(LAST_WORDS_WITHIN, keeping).await;
                }
                return Err(SandboxError::NotStarted(format!("{} ended: {}", program.display(), log.text().trim())));
            }
            Err(_) => {
                let waited = READY_WITHIN.as_secs();
                return Err(SandboxError::NotStarted(format!("{} is not ready after {waited} s: {}", program.display(), log.text())));
            }
        };
        let client = Client::builder().api_key(ready.api_key).base_url(ready.url).build()?;
        Ok(Sandbox::of(client.clone(), Webhooks::open(&client, self.events).await?, log, Some(child)))
    }
}

/// What the program says when it is ready, as far as it is needed here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ready {
    url: String,
    api_key: String,
}

async fn ready(child: &mut Child) -> Option<Ready> {
    let mut lines = BufReader::new(child.stdout.take()?).lines();
    let line = lines.next_line().await.ok()??;
    serde_json::from_str(&line).ok()
}

/// What a program said on stderr, the newest of it.
#[derive(Clone, Default)]
pub(super) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    #[expect(clippy::disallowed_methods, reason = "a pipe that nobody reads would stop the program; reading ends with it")]
    fn keep(&self, mut stderr: impl AsyncRead + Send + Unpin + 'static) -> JoinHandle<()> {
        let kept = Arc::clone(&self.0);
        tokio::spawn(async move {
            let mut chunk = [0; 4096];
            while let Ok(count @ 1..) = stderr.read(&mut chunk).await {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.extend(chunk.iter().take(count));
                let surplus = kept.len().saturating_sub(LOG_BYTES_MAX);
                kept.drain(..surplus);
            }
        })
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}
