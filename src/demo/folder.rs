//! The demonstration's folder and its marker: only a folder that carries the marker is ever emptied, and only one that was
//! played to the end is served again. One process at a time has it.

use std::fs::{self, File, TryLockError};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::domain::refusal::{Failure, Outcome};

const MARKER: &str = "demo.json";

/// What the marker says.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields)]
pub struct Marker {
    pub played: bool,
    /// What the demonstration's clock adds to the machine's, in microseconds.
    pub clock_offset_us: i64,
}

/// What was found, and done about it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Found {
    /// Nothing; the folder is empty now.
    Nothing,
    /// A demonstration that was stopped in the middle; it was removed.
    HalfPlayed,
    /// One that was played; it was removed as asked.
    Removed,
    /// One that was played and can be served.
    Played(Marker),
}

fn file(folder: &Path) -> PathBuf {
    folder.join(MARKER)
}

fn failed(folder: &Path, e: impl std::fmt::Display) -> Failure {
    Failure::fault(format!("The folder {} cannot be used: {e}.", folder.display()))
}

/// Takes the folder, made when it is missing, for as long as the answer is kept; the system lets go of it when the process
/// ends in whatever way.
pub fn take(folder: &Path) -> Outcome<File> {
    make(folder)?;
    let taken = File::open(folder).map_err(|e| failed(folder, e))?;
    match taken.try_lock() {
        Ok(()) => Ok(taken),
        Err(TryLockError::WouldBlock) => Err(Failure::fault(format!(
            "The folder {} is in use by another `fieldproof demo`: stop it first, or name another folder with --data.",
            folder.display()
        ))),
        Err(TryLockError::Error(e)) => Err(failed(folder, e)),
    }
}

fn make(folder: &Path) -> Outcome<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|e| failed(folder, e))
}

/// Looks at the folder and empties it where that is due; the folder itself stays, for a lock is on it.
pub fn prepare(folder: &Path, fresh: bool) -> Outcome<Found> {
    if !folder.exists() {
        return Ok(Found::Nothing);
    }
    if fs::read_dir(folder).map_err(|e| failed(folder, e))?.next().is_none() {
        return Ok(Found::Nothing);
    }
    let Ok(text) = fs::read_to_string(file(folder)) else {
        return Err(Failure::fault(format!(
            "The folder {} has other things in it and is left alone: name another one with --data.",
            folder.display()
        )));
    };
    // A marker that was cut off belongs to a start that was killed.
    let marker = serde_json::from_str::<Marker>(&text).ok().filter(|marker| marker.played);
    let found = match marker {
        Some(marker) if !fresh => return Ok(Found::Played(marker)),
        Some(_) => Found::Removed,
        None => Found::HalfPlayed,
    };
    for entry in fs::read_dir(folder).map_err(|e| failed(folder, e))? {
        let path = entry.map_err(|e| failed(folder, e))?.path();
        let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.map_err(|e| failed(folder, e))?;
    }
    Ok(found)
}

/// Writes the marker; the folder is made when it is missing.
pub fn mark(folder: &Path, marker: Marker) -> Outcome<()> {
    make(folder)?;
    let text = serde_json::to_string(&marker).map_err(Failure::fault)?;
    let aside = folder.join(".demo.json");
    fs::write(&aside, text).and_then(|()| fs::rename(&aside, file(folder))).map_err(|e| failed(folder, e))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Scratch {
            let path = std::env::temp_dir().join(format!("fieldproof-demo-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            Scratch(path)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn only_a_folder_of_the_demonstration_is_emptied() {
        let scratch = Scratch::new("foreign");
        let folder = &scratch.0;
        assert_eq!(prepare(folder, true).ok(), Some(Found::Nothing));
        fs::create_dir_all(folder).expect("a folder");
        fs::write(folder.join("letters.txt"), "precious").expect("a file");
        assert!(prepare(folder, false).is_err() && prepare(folder, true).is_err());
        assert!(folder.join("letters.txt").exists());
    }

    #[test]
    fn a_played_folder_is_served_again_and_a_half_played_one_is_not() {
        let scratch = Scratch::new("half");
        let folder = &scratch.0;
        let marker = Marker { played: false, clock_offset_us: -5 };
        mark(folder, marker).expect("written");
        assert_eq!(prepare(folder, false).ok(), Some(Found::HalfPlayed));
        assert_eq!(fs::read_dir(folder).expect("a folder").count(), 0);
        let marker = Marker { played: true, ..marker };
        mark(folder, marker).expect("written");
        assert_eq!(prepare(folder, false).ok(), Some(Found::Played(marker)));
        assert_eq!(prepare(folder, true).ok(), Some(Found::Removed));
    }
}
