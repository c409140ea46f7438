//! Reads what a command is given beside its arguments: a file or, for `-`, standard input; a secret from a prompt.

use std::io::{BufRead, IsTerminal, Read};
use std::path::Path;

use crate::failure::Failure;

/// The bytes, exactly.
pub fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = match path.to_str() {
        Some("-") => std::io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes),
        _ => std::fs::read(path),
    };
    read.map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))
}

/// The bytes as text.
pub fn read_text(path: &Path) -> Result<String, Failure> {
    String::from_utf8(read(path)?).map_err(|_| Failure::usage(format!("{} is not UTF-8 text", path.display())))
}

/// The first line of standard input, without its end; on a terminal, what is typed at a prompt that does not show it.
pub fn secret_line(what: &str) -> Result<String, Failure> {
    let failed = |error: std::io::Error| Failure::usage(format!("cannot read the {what}: {error}"));
    let mut line = String::new();
    if std::io::stdin().is_terminal() {
        line = rpassword::prompt_password(format!("The {what} (not shown): ")).map_err(failed)?;
    } else {
        std::io::stdin().lock().read_line(&mut line).map_err(failed)?;
    }
    let line = line.trim_end_matches(['\r', '\n']);
    if line.trim().is_empty() {
        return Err(Failure::usage(format!("no {what} was given")).hint("type it at the prompt, or pipe it in"));
    }
    Ok(line.to_owned())
}
