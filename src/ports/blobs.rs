//! Bytes: a local folder or an S3-compatible bucket. Nothing is acknowledged before it is durable; evidence lives under
//! its SHA-256, so that the same bytes are stored once and cannot be overwritten by others.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, WriteMultipart};
use sha2::{Digest, Sha256};

use crate::domain::refusal::{Code, Failure, Outcome, Refusal};

/// Bytes of one part in flight; the memory of an upload is about twice this.
const PART_BYTES: usize = 5 * 1024 * 1024;

#[derive(Clone)]
pub struct Blobs {
    store: Arc<dyn ObjectStore>,
    local: bool,
}

/// Where an S3-compatible bucket is and how to sign for it.
#[derive(Clone, Debug)]
pub struct Bucket {
    pub endpoint: Option<String>,
    pub region: String,
    pub name: String,
    pub access_key: String,
    pub secret_key: String,
}

/// What arrived.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stored {
    pub sha256: String,
    pub size_bytes: u64,
}

/// The name under which bytes with this SHA-256 are kept.
pub fn evidence_key(sha256: &str) -> String {
    format!("evidence/{}/{sha256}", sha256.get(..2).unwrap_or("xx"))
}

impl Blobs {
    pub fn folder(path: &Path) -> Outcome<Blobs> {
        std::fs::create_dir_all(path).map_err(|e| Failure::fault(format!("folder {}: {e}", path.display())))?;
        let store = LocalFileSystem::new_with_prefix(path).map_err(Failure::fault)?.with_fsync(true);
        Ok(Blobs { store: Arc::new(store), local: true })
    }

    pub fn bucket(bucket: &Bucket) -> Outcome<Blobs> {
        let mut builder = AmazonS3Builder::new()
            .with_region(&bucket.region)
            .with_bucket_name(&bucket.name)
            .with_access_key_id(&bucket.access_key)
            .with_secret_access_key(&bucket.secret_key);
        if let Some(endpoint) = &bucket.endpoint {
            builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
        }
        Ok(Blobs { store: Arc::new(builder.build().map_err(Failure::fault)?), local: false })
    }

    /// Streams `body` to its evidence key. The bytes must have the announced SHA-256 and at most `limit` bytes, else
    /// nothing is kept. Memory does not grow with the photo.
    pub async fn receive<S, E>(&self, sha256: &str, limit: u64, mut body: S) -> Outcome<Stored>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
        E: std::fmt::Display,
    {
        let key = Key::from(evidence_key(sha256));
        let known = self.store.head(&key).await.ok();
        let mut upload = match known {
            Some(_) => None,
            None => {
                let parts = self.store.put_multipart(&key).await.map_err(Failure::fault)?;
                Some(WriteMultipart::new_with_chunk_size(parts, if self.local { 256 * 1024 } else { PART_BYTES }))
            }
        };
        let mut hash = Sha256::new();
        let mut size_bytes = 0_u64;
        let mut refused: Option<Failure> = None;
        while let Some(chunk) = body.next().await {
            let chunk = match chunk {
                Ok(chunk) => chunk,
                Err(e) => {
                    let detail = format!("The photo did not arrive whole: {e}");
                    refused = Some(Refusal::field("body", "cut_off", detail).into());
                    break;
                }
            };
            size_bytes += chunk.len() as u64;
            if size_bytes > limit {
                refused = Some(Refusal::new(Code::PhotoTooLarge, format!("It has more than {limit} bytes.")).into());
                break;
            }
            hash.update(&chunk);
            if let Some(upload) = &mut upload {
                upload.wait_for_capacity(1).await.map_err(Failure::fault)?;
                upload.put(chunk);
            }
        }
        let arrived = hash.finalize().iter().map(|b| format!("{b:02x}")).collect::<String>();
        if refused.is_none() && arrived != sha256 {
            let detail = format!("The {size_bytes} bytes that arrived have the SHA-256 {arrived}.");
            refused = Some(Refusal::new(Code::DigestMismatch, detail).into());
        }
        match (refused, upload) {
            (Some(refusal), upload) => {
                if let Some(upload) = upload {
                    // Best effort: parts left behind are swept by age.
                    let _ = upload.abort().await;
                }
                Err(refusal)
            }
            (None, Some(upload)) => {
                upload.finish().await.map_err(Failure::fault)?;
                Ok(Stored { sha256: arrived, size_bytes })
            }
            (None, None) => Ok(Stored { sha256: arrived, size_bytes }),
        }
    }

    pub async fn get(&self, key: &str) -> Outcome<Option<Bytes>> {
        match self.store.get(&Key::from(key)).await {
            Ok(found) => Ok(Some(found.bytes().await.map_err(Failure::fault)?)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(e) => Err(Failure::fault(e)),
        }
    }

    /// Length of what is stored there.
    pub async fn size(&self, key: &str) -> Outcome<Option<u64>> {
        match self.store.head(&Key::from(key)).await {
            Ok(meta) => Ok(Some(meta.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(e) => Err(Failure::fault(e)),
        }
    }

    /// Writes small bytes, replacing what was there.
    pub async fn put(&self, key: &str, bytes: Vec<u8>) -> Outcome<()> {
        self.store.put(&Key::from(key), PutPayload::from(bytes)).await.map(|_| ()).map_err(Failure::fault)
    }

    /// Removes what is stored there; nothing there is fine. Never for evidence.
    pub async fn delete(&self, key: &str) -> Outcome<()> {
        match self.store.delete(&Key::from(key)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(e) => Err(Failure::fault(e)),
        }
    }

    /// Writes small bytes unless something is there; says whether it wrote.
    pub async fn create(&self, key: &str, bytes: Vec<u8>) -> Outcome<bool> {
        let mode = PutOptions::from(PutMode::Create);
        match self.store.put_opts(&Key::from(key), PutPayload::from(bytes), mode).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => Ok(false),
            Err(e) => Err(Failure::fault(e)),
        }
    }
}
