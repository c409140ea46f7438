//! Our own programs, as people run them: a process with arguments, an environment and two streams. Start it, read it,
//! signal it, wait for it under a deadline. It is killed when dropped, and what it logged is then searched for secrets.

use super::DEADLINE;
use super::canary::Canaries;
use serde_json::Value;
use std::ffi::OsStr;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::Notify;

/// A program about to be started. It gets none of our own variables, and an empty home: what a developer has set up
/// changes no test.
#[derive(Debug)]
pub struct Command {
    name: String,
    inner: std::process::Command,
    stdin: Vec<u8>,
    talks: bool,
    home: TempDir,
}

/// A started program.
#[derive(Debug)]
pub struct Program {
    name: String,
    child: Child,
    /// While it is open; a program that was only given a text has none.
    stdin: Option<ChildStdin>,
    stdout: Arc<Stream>,
    stderr: Arc<Stream>,
    /// How much of stdout has been handed out as lines, in bytes.
    taken: usize,
    canaries: Canaries,
    _home: TempDir,
}

/// How a program ended, and all that it said.
#[derive(Debug, Clone)]
pub struct Exit {
    /// Nothing if a signal ended it.
    pub code: Option<i32>,
    pub signal: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Exit {
    /// stdout as one JSON value.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("stdout is not JSON ({error}): {self:?}"))
    }
}

/// Where cargo put a program of this workspace: beside the folder of the running test.
pub fn built(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the running test has a path");
    let folder = test.parent().and_then(Path::parent).expect("target/debug/deps/all-…");
    let program = folder.join(name);
    assert!(program.is_file(), "{} is not built: run scripts/test, or cargo build --workspace", program.display());
    program
}

impl Command {
    /// The command line, `payin`.
    pub fn payin() -> Self {
        Self::at(built("payin"))
    }

    /// The server, `payin-server`.
    pub fn payin_server() -> Self {
        Self::at(built("payin-server"))
    }

    /// Any program.
    pub fn at(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        let home = tempfile::tempdir().expect("a temporary folder");
        let mut inner = std::process::Command::new(path);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PAYIN_") {
                inner.env_remove(name);
            }
        }
        for name in ["XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"] {
            inner.env_remove(name);
        }
        inner.env("HOME", home.path()).current_dir(home.path());
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self { name, inner, stdin: Vec::new(), talks: false, home }
    }

    pub fn arg(&mut self, arg: impl AsRef<OsStr>) -> &mut Self {
        self.inner.arg(arg);
        self
    }

    pub fn args(&mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> &mut Self {
        self.inner.args(args);
        self
    }

    pub fn env(&mut self, name: &str, value: impl AsRef<OsStr>) -> &mut Self {
        self.inner.env(name, value);
        self
    }

    /// What it reads; nothing unless said.
    pub fn stdin(&mut self, text: impl Into<Vec<u8>>) -> &mut Self {
        self.stdin = text.into();
        self
    }

    /// Its stdin stays open, for `Program::say`, until the program is dropped or we die: some take that for a sign to end.
    pub fn talks(&mut self) -> &mut Self {
        self.talks = true;
        self
    }

    /// Its home and working folder; gone when the program is dropped.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    fn canaries(&self) -> Canaries {
        let text = |text: &OsStr| text.to_string_lossy().into_owned();
        let args: Vec<String> = self.inner.get_args().map(text).collect();
        let variables: Vec<(String, String)> = self.inner.get_envs().filter_map(|(name, value)| Some((text(name), text(value?)))).collect();
        Canaries::of(&self.name, &args, &variables, &self.stdin)
    }

    pub fn start(mut self) -> Program {
        let canaries = self.canaries();
        self.inner.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.inner.spawn().unwrap_or_else(|error| panic!("cannot start {}: {error}", self.name));
        let mut stdin = child.stdin.take().expect("a piped stdin");
        // On a thread: a program that writes before it reads would otherwise stop both sides. One that does not read
        // to the end may close the pipe; that is its right.
        let stdin = if self.talks {
            Some(stdin)
        } else {
            std::thread::spawn(move || stdin.write_all(&self.stdin));
            None
        };
        let stdout = Stream::reading(child.stdout.take().expect("a piped stdout"));
        let stderr = Stream::reading(child.stderr.take().expect("a piped stderr"));
        Program { name: self.name, child, stdin, stdout, stderr, taken: 0, canaries, _home: self.home }
    }

    /// Starts it and waits for its end.
    pub async fn run(self) -> Exit {
        self.start().wait().await
    }
}

impl Program {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child can be asked").is_none()
    }

    /// Writes one line to a program that talks. It has to read it: nothing is kept for it but a pipe's buffer.
    pub fn say(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().unwrap_or_else(|| panic!("{} does not talk", self.name));
        stdin.write_all(format!("{line}\n").as_bytes()).unwrap_or_else(|error| panic!("{} does not listen: {error}", self.name));
    }

    /// The next line of stdout, without its end.
    pub async fn next_line(&mut self) -> String {
        self.line_with("").await
    }

    /// The next line of stdout that has this text in it; those before it are passed over.
    pub async fn line_with(&mut self, text: &str) -> String {
        let taken = self.taken;
        let found = self.stdout.wait_for(DEADLINE, |all| line_after(all, taken, text)).await;
        let Some((line, taken)) = found else {
            panic!("{} printed no line with {text:?} within {DEADLINE:?}\n{}", self.name, self.said());
        };
        self.taken = taken;
        line
    }

    /// The next line of stdout as JSON.
    pub async fn next_json(&mut self) -> Value {
        let line = self.next_line().await;
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{} printed no JSON ({error}): {line}", self.name))
    }

    /// The first line of stderr that has this text in it, past or to come.
    pub async fn stderr_with(&self, text: &str) -> String {
        match self.stderr.wait_for(DEADLINE, |all| line_after(all, 0, text)).await {
            Some((line, _)) => line,
            None => panic!("{} logged no line with {text:?} within {DEADLINE:?}\n{}", self.name, self.said()),
        }
    }

    /// All of stdout so far.
    pub fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// All of stderr so far.
    pub fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// SIGTERM: asks it to end in order.
    pub fn terminate(&self) {
        self.signal("TERM");
    }

    /// SIGINT: what Ctrl-C sends.
    pub fn interrupt(&self) {
        self.signal("INT");
    }

    /// How large a file may become that it writes, from now on; `None`: as large as it likes. Beyond that its disk is full.
    pub fn limit_files(&self, bytes: Option<u64>) {
        let most = bytes.map_or_else(|| "unlimited".to_owned(), |bytes| bytes.to_string());
        let args = [format!("--pid={}", self.pid()), format!("--fsize={most}:")];
        let limited = std::process::Command::new("prlimit").args(args).status().expect("prlimit, of util-linux");
        assert!(limited.success(), "{} is not limited to {most}", self.name);
    }

    /// Any signal by its name (`STOP`, `CONT`, `HUP`).
    pub fn signal(&self, name: &str) {
        let script = format!("kill -s {name} {}", self.pid());
        let sent = std::process::Command::new("sh").args(["-c", &script]).status().expect("a shell");
        assert!(sent.success(), "{script}: {} has already been waited for", self.name);
    }

    /// SIGKILL, as by a power cut, and waits until it is gone.
    pub async fn kill(&mut self) -> Exit {
        self.child.kill().expect("a child can be killed");
        self.wait().await
    }

    pub async fn wait(&mut self) -> Exit {
        self.wait_within(DEADLINE).await
    }

    /// Waits for its end and for the last word of both streams.
    pub async fn wait_within(&mut self, deadline: Duration) -> Exit {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child can be asked") {
                break status;
            }
            assert!(begun.elapsed() < deadline, "{} still runs after {deadline:?}\n{}", self.name, self.said());
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        // Not for ever: a grandchild may hold the streams open.
        self.stdout.wait_for_end(Duration::from_secs(5)).await;
        self.stderr.wait_for_end(Duration::from_secs(5)).await;
        Exit { code: status.code(), signal: status.signal(), stdout: self.stdout(), stderr: self.stderr() }
    }

    /// What it has logged so far that it must not.
    pub fn leak(&self) -> Option<String> {
        let logged = if self.canaries.stdout_too { [self.stderr(), self.stdout()].concat() } else { self.stderr() };
        self.canaries.leak(&logged).map(str::to_owned)
    }

    /// The same of a program that has ended, to its last word.
    fn whole_leak(&self) -> Option<String> {
        let until = Instant::now() + Duration::from_secs(5);
        // Not for ever: a grandchild may hold the streams open.
        while !(self.stderr.written().ended && self.stdout.written().ended) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(1));
        }
        self.leak()
    }

    fn said(&self) -> String {
        format!("-- its stdout:\n{}\n-- its stderr:\n{}", self.stdout(), self.stderr())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Both fail only if it is already gone.
        let _ = self.child.kill();
        let _ = self.child.wait();
        // A test that fails for another reason says that one.
        if !std::thread::panicking()
            && self.canaries.is_watched
            && let Some(leak) = self.whole_leak()
        {
            panic!("{} logged a secret: {leak}", self.name);
        }
    }
}

/// Everything a program has written to one stream, read by a thread, so that it never waits for us to read and outlives
/// the runtime of the test that started it.
#[derive(Debug, Default)]
struct Stream {
    written: Mutex<Written>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Written {
    bytes: Vec<u8>,
    ended: bool,
}

impl Stream {
    fn reading(mut from: impl Read + Send + 'static) -> Arc<Self> {
        let stream = Arc::new(Self::default());
        let shared = Arc::clone(&stream);
        std::thread::spawn(move || {
            let mut buffer = [0; 8192];
            loop {
                let count = from.read(&mut buffer).unwrap_or(0);
                {
                    let mut written = shared.written();
                    written.bytes.extend_from_slice(&buffer[..count]);
                    written.ended = count == 0;
                }
                shared.changed.notify_waiters();
                if count == 0 {
                    return;
                }
            }
        });
        stream
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.written().bytes).into_owned()
    }

    /// What `find` makes of the bytes, as soon as it is something; nothing when time is up or the stream has ended.
    async fn wait_for<T>(&self, deadline: Duration, find: impl Fn(&[u8]) -> Option<T>) -> Option<T> {
        let until = tokio::time::Instant::now() + deadline;
        loop {
            // Asked for before looking, so that a change in between is not missed.
            let changed = self.changed.notified();
            {
                let written = self.written();
                if let Some(found) = find(&written.bytes) {
                    return Some(found);
                }
                if written.ended {
                    return None;
                }
            }
            tokio::time::timeout_at(until, changed).await.ok()?;
        }
    }

    async fn wait_for_end(&self, deadline: Duration) {
        self.wait_for(deadline, |_| None::<()>).await;
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().expect("no panic while a stream was read")
    }
}

/// The first whole line at or after a place that has this text in it, and the place after it.
fn line_after(all: &[u8], mut place: usize, text: &str) -> Option<(String, usize)> {
    loop {
        let rest = all.get(place..)?;
        let length = rest.iter().position(|byte| *byte == b'\n')?;
        let line = String::from_utf8_lossy(&rest[..length]).trim_end_matches('\r').to_owned();
        place += length + 1;
        if line.contains(text) {
            return Some((line, place));
        }
    }
}
