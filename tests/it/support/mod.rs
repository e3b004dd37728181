//! What tests are built from: scratch directories, a database for each test, an S3 server.
//! Everything made here is removed when its owner is dropped.

pub mod contract;
pub mod desk;
pub mod logs;
pub mod pg;
pub mod s3;
pub mod scratch;
pub mod snapshot;
pub mod sqlite;
pub mod visit;
pub mod world;

use sha2::{Digest, Sha256};

/// A short name for exactly these contents (16 hex digits), in this order: the migrations that made a template.
pub fn fingerprint<T: AsRef<[u8]>>(contents: impl IntoIterator<Item = T>) -> String {
    let mut hash = Sha256::new();
    for content in contents {
        let content = content.as_ref();
        hash.update((content.len() as u64).to_be_bytes());
        hash.update(content);
    }
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
