//! The one file of this room that reads: the photos of a folder and the pairs that label them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Endings of files that are looked at; what they really are is told by their content.
const ENDINGS: &[&str] =
    &["jpg", "jpeg", "jpe", "jfif", "png", "webp", "heic", "heif", "avif", "gif", "bmp", "tif", "tiff"];

/// Every photo below a folder, by its path relative to it (with `/`), sorted. Hidden files and links are left out.
pub fn photos(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    let mut waiting = vec![(String::new(), folder.to_owned())];
    while let Some((prefix, folder)) = waiting.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let kind = entry.file_type()?;
            if name.starts_with('.') || kind.is_symlink() {
                continue;
            }
            let relative = format!("{prefix}{name}");
            if kind.is_dir() {
                waiting.push((format!("{relative}/"), entry.path()));
            } else if name.rsplit_once('.').is_some_and(|(_, e)| ENDINGS.contains(&e.to_lowercase().as_str())) {
                found.push((relative, entry.path()));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The text of a file of pairs: the one that was named, else `pairs.tsv` or `near_duplicates.tsv` of the folder.
/// `None` when none was named and none is there.
pub fn pairs(folder: &Path, named: Option<&Path>) -> io::Result<Option<(PathBuf, String)>> {
    let usual = ["pairs.tsv", "near_duplicates.tsv"].map(|name| folder.join(name));
    let file = match named {
        Some(file) => Some(file.to_owned()),
        None => usual.into_iter().find(|file| file.is_file()),
    };
    file.map(|file| fs::read_to_string(&file).map(|text| (file, text))).transpose()
}

/// The file that a pair names, from the folder of the pairs or the one above it.
pub fn resolve(pairs: &Path, name: &str) -> Option<PathBuf> {
    let own = pairs.parent()?;
    let above = real(own)?.parent().map(Path::to_owned);
    [Some(own.to_owned()), above].into_iter().flatten().find_map(|folder| real(&folder.join(name)))
}

/// The path without links and detours; `None` when there is no such file.
pub fn real(path: &Path) -> Option<PathBuf> {
    // The folder of a bare file name is the current one.
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    fs::canonicalize(path).ok()
}

pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    fs::read(path)
}
