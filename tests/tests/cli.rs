//! Our programs as people run them: `payin` against the sandbox, and `payin-server` itself.

mod addresses;
mod chains;
mod chaos;
mod conformance;
mod crowd;
mod cryptopay;
mod guard;
mod import;
mod listen;
mod offline;
mod orders;
mod paywarden;
mod pool_and_webhooks;
mod profiles;
mod sandbox;
mod scenarios;
mod server;
mod verbs;

use std::path::Path;

use payin_tests::nodes::program::{Command, Exit};
use payin_tests::sandbox::Sandbox;
use serde_json::Value;

/// `payin` with a key and the URL of a server.
fn payin_at(url: &str, key: &str, args: &[&str]) -> Command {
    let mut command = Command::payin();
    command.env("PAYIN_BASE_URL", url).env("PAYIN_API_KEY", key).args(args);
    command
}

fn payin(sandbox: &Sandbox, args: &[&str]) -> Command {
    payin_at(sandbox.url(), sandbox.key(), args)
}

/// `payin` with this folder for what it keeps, and without any keyring.
fn kept_in(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::payin();
    command.env("XDG_CONFIG_HOME", folder).env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent").args(args);
    command
}

/// The answer of a run that must succeed, as JSON.
async fn answer(command: Command) -> Value {
    let exit = command.run().await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    exit.json()
}

/// The error of a run that must fail like this: JSON on stderr's last line, and nothing on stdout.
#[track_caller]
fn failed(exit: &Exit, status: i32, code: &str) -> Value {
    let last = exit.stderr.lines().last().unwrap_or_default();
    let report: Value = serde_json::from_str(last).unwrap_or_else(|error| panic!("no JSON on stderr ({error}): {exit:?}"));
    assert_eq!((exit.code, &report["code"], &report["exitCode"]), (Some(status), &code.into(), &status.into()), "{exit:?}");
    report
}
