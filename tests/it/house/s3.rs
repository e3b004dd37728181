//! The S3 server of the tests behaves as the real one where the product leans on it: created once, never replaced;
//! ranges; parts; signatures.

use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};

use crate::support::s3::S3Server;
use crate::support::scratch::Scratch;

fn client(server: &S3Server, secret: &str) -> AmazonS3 {
    AmazonS3Builder::new()
        .with_endpoint(&server.url)
        .with_allow_http(true)
        .with_region("us-east-1")
        .with_bucket_name(&server.bucket)
        .with_access_key_id(&server.access_key)
        .with_secret_access_key(secret)
        .build()
        .unwrap()
}

fn create() -> PutOptions {
    PutOptions::from(PutMode::Create)
}

#[tokio::test]
async fn an_object_is_created_once_and_keeps_its_first_bytes() {
    let dir = Scratch::new();
    let server = S3Server::start(&dir);
    let store = client(&server, &server.secret_key);
    let at = Path::from("sha256/ab/first");
    store.put_opts(&at, PutPayload::from_static(b"first"), create()).await.unwrap();
    let second = store.put_opts(&at, PutPayload::from_static(b"second"), create()).await;
    assert!(matches!(second, Err(Error::AlreadyExists { .. })), "{second:?}");
    assert_eq!(store.get(&at).await.unwrap().bytes().await.unwrap(), "first");
}

#[tokio::test]
async fn a_range_gives_exactly_its_bytes() {
    let dir = Scratch::new();
    let server = S3Server::start(&dir);
    let store = client(&server, &server.secret_key);
    let at = Path::from("range");
    store.put(&at, PutPayload::from_static(b"0123456789")).await.unwrap();
    assert_eq!(store.get_range(&at, 3..7).await.unwrap(), "3456");
}

#[tokio::test]
async fn parts_become_one_object_in_their_order() {
    const PART_BYTES: usize = 5 * 1024 * 1024;
    let dir = Scratch::new();
    let server = S3Server::start(&dir);
    let store = client(&server, &server.secret_key);
    let at = Path::from("parts");
    let (first, second) = (vec![1_u8; PART_BYTES], vec![2_u8; 10]);
    let mut upload = store.put_multipart(&at).await.unwrap();
    upload.put_part(first.clone().into()).await.unwrap();
    upload.put_part(second.clone().into()).await.unwrap();
    upload.complete().await.unwrap();
    assert_eq!(store.head(&at).await.unwrap().size, (PART_BYTES + 10) as u64);
    assert_eq!(store.get(&at).await.unwrap().bytes().await.unwrap(), [first, second].concat());
}

#[tokio::test]
async fn a_deleted_object_is_not_found() {
    let dir = Scratch::new();
    let server = S3Server::start(&dir);
    let store = client(&server, &server.secret_key);
    let at = Path::from("gone");
    store.put(&at, PutPayload::from_static(b"here")).await.unwrap();
    store.delete(&at).await.unwrap();
    let found = store.get(&at).await;
    assert!(matches!(found, Err(Error::NotFound { .. })), "{found:?}");
}

#[tokio::test]
async fn a_wrong_secret_is_refused_for_reading_and_writing() {
    let dir = Scratch::new();
    let server = S3Server::start(&dir);
    let at = Path::from("secret");
    client(&server, &server.secret_key).put(&at, PutPayload::from_static(b"mine")).await.unwrap();
    let stranger = client(&server, "another-secret-key");
    let read = stranger.get(&at).await;
    assert!(matches!(read, Err(Error::PermissionDenied { .. })), "{read:?}");
    let write = stranger.put(&Path::from("theirs"), PutPayload::from_static(b"x")).await;
    assert!(matches!(write, Err(Error::PermissionDenied { .. })), "{write:?}");
}

#[tokio::test]
async fn a_dropped_server_answers_no_more() {
    let dir = Scratch::new();
    let server = S3Server::start(&dir);
    let address = server.url.strip_prefix("http://").unwrap().to_owned();
    tokio::net::TcpStream::connect(&address).await.unwrap();
    drop(server);
    assert!(tokio::net::TcpStream::connect(&address).await.is_err());
}
