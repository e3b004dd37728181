//! A visit whose photos live in an S3-compatible bucket that checks signatures: stored once, looked at, shown, verified.

use fieldproof::domain::refusal::Code;
use fieldproof::ports::blobs::{Blobs, Bucket, evidence_key};
use futures_util::stream;
use sha2::{Digest, Sha256};

use crate::support::s3::S3Server;
use crate::support::scratch::Scratch;
use crate::support::visit::Plan;
use crate::support::world::{Engine, play_over};

fn bucket(server: &S3Server, secret: &str) -> Blobs {
    let bucket = Bucket {
        endpoint: Some(server.url.clone()),
        region: "us-east-1".to_owned(),
        name: server.bucket.clone(),
        access_key: server.access_key.clone(),
        secret_key: secret.to_owned(),
    };
    Blobs::bucket(&bucket).unwrap()
}

fn told_in_story(engine: Engine) {
    let dir = Scratch::new();
    let server = S3Server::start(&dir);
    play_over(
        engine,
        |_| bucket(&server, &server.secret_key),
        async |world| {
            let round = world.round("Acme", Plan::short()).await;
            let ana = world.worker("ana").await;
            let id = round.clean(&ana, &round.missions[0]).await;
            let seen = ana.submission(&id).await;
            assert_eq!(seen["state"], "approved");
            let sha256 = seen["photos"][0]["sha256"].as_str().unwrap();
            assert!(world.app.blobs.size(&evidence_key(sha256)).await.unwrap().is_some());
            assert_eq!(ana.balance_minor().await, 1200);
        },
    );
}

#[test]
fn a_visit_is_proven_and_paid_from_a_bucket_on_sqlite() {
    told_in_story(Engine::Sqlite);
}

#[test]
#[ignore = "needs PostgreSQL: tests/run"]
fn a_visit_is_proven_and_paid_from_a_bucket_on_postgres() {
    told_in_story(Engine::Postgres);
}

fn body(parts: &[&[u8]]) -> impl futures_util::Stream<Item = Result<bytes::Bytes, String>> + Unpin {
    stream::iter(parts.iter().map(|part| Ok(bytes::Bytes::copy_from_slice(part))).collect::<Vec<_>>())
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn a_bucket_keeps_only_what_was_announced() {
    let dir = Scratch::new();
    let server = S3Server::start(&dir);
    let blobs = bucket(&server, &server.secret_key);
    // More than one part of a multipart upload.
    let photo: Vec<u8> = (0..7_000_000_u32).map(|n| (n % 251) as u8).collect();
    let name = sha256(&photo);
    let refused = blobs.receive(&name, 30_000_000, body(&[&photo[..1_000_000]])).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::DigestMismatch));
    assert_eq!(blobs.size(&evidence_key(&name)).await.unwrap(), None);
    let refused = blobs.receive(&name, 6_000_000, body(&[&photo])).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::PhotoTooLarge));
    assert_eq!(blobs.size(&evidence_key(&name)).await.unwrap(), None);
    for _ in 0..2 {
        let stored = blobs.receive(&name, 30_000_000, body(&[&photo[..3], &photo[3..]])).await.unwrap();
        assert_eq!((stored.sha256.as_str(), stored.size_bytes), (name.as_str(), 7_000_000));
    }
    assert_eq!(blobs.get(&evidence_key(&name)).await.unwrap().unwrap(), photo);
}

#[tokio::test]
async fn a_wrong_secret_stores_nothing() {
    let dir = Scratch::new();
    let server = S3Server::start(&dir);
    let blobs = bucket(&server, "not the secret");
    let failure = blobs.receive(&sha256(b"photo"), 100, body(&[b"photo"])).await.unwrap_err();
    assert_eq!(failure.code(), None, "a fault of the operator, not a refusal: {failure}");
}
