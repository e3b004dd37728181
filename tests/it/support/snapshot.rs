//! Text that is kept under version control, so that a reviewer sees what a change does to it. Run the suite with
//! `UPDATE_SNAPSHOTS=1` to write new ones.

use std::path::Path;

#[track_caller]
pub fn assert_snapshot(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots").join(name);
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == text, "tests/snapshots/{name} differs; with UPDATE_SNAPSHOTS=1 it becomes:\n{text}");
}
