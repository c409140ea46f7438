//! A file that only its owner may read: written so, and refused where it is not. Nobody ever sees half of it.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::Path;

use crate::exit::Exit;
use crate::failure::Failure;

/// The text, or nothing where there is no such file.
pub fn read(path: &Path) -> Result<Option<String>, Failure> {
    let failed = |error: std::io::Error| Failure::usage(format!("cannot read {}: {error}", path.display()));
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    // Of the file that was opened, which cannot become another one meanwhile.
    if is_open_to_others(&file.metadata().map_err(failed)?) {
        let message = format!("{} holds keys, and others on this machine can read or change it", path.display());
        return Err(Failure::new(Exit::Auth, "UNSAFE_PROFILES", message)
            .hint(format!("chmod 600 {}; who could read it has the keys: consider new ones", path.display())));
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(failed)?;
    Ok(Some(text))
}

/// Opens a file that stands for something only by being there; makes it, and its folder.
pub fn open(path: &Path) -> std::io::Result<File> {
    if let Some(folder) = path.parent() {
        make_folder(folder)?;
    }
    match create(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => OpenOptions::new().write(true).open(path),
        made => made,
    }
}

/// Replaces the whole file.
pub fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::usage(format!("cannot write {}: {error}", path.display()));
    if let Some(folder) = path.parent() {
        make_folder(folder).map_err(failed)?;
    }
    let draft = path.with_extension(format!("{}.tmp", std::process::id()));
    let written = create(&draft).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&draft, path)
    });
    written.map_err(|error| {
        // What is left of it may hold keys.
        let _ = fs::remove_file(&draft);
        failed(error)
    })
}

#[cfg(unix)]
fn is_open_to_others(metadata: &fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::mode(metadata) & 0o077 != 0
}

#[cfg(unix)]
fn create(path: &Path) -> std::io::Result<File> {
    std::os::unix::fs::OpenOptionsExt::mode(OpenOptions::new().write(true).create_new(true), 0o600).open(path)
}

#[cfg(unix)]
fn make_folder(path: &Path) -> std::io::Result<()> {
    std::os::unix::fs::DirBuilderExt::mode(fs::DirBuilder::new().recursive(true), 0o700).create(path)
}

/// Elsewhere the home folder itself is closed to others.
#[cfg(not(unix))]
fn is_open_to_others(_: &fs::Metadata) -> bool {
    false
}

#[cfg(not(unix))]
fn create(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

#[cfg(not(unix))]
fn make_folder(path: &Path) -> std::io::Result<()> {
    fs::create_dir_all(path)
}
