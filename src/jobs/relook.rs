//! A second look at stored photos, for whoever asks whether a decision comes out the same again. The same code as the first
//! look, told what that one was told.

use super::check_evidence::{nearest, remember, same_bytes, see, together};
use crate::checks::duplicate::HashIndex;
use crate::context::App;
use crate::domain::finding::Finding;
use crate::domain::refusal::{Failure, Outcome};
use crate::ops::explain::{Again, Relooked};
use crate::ports::blobs::evidence_key;

pub async fn again(app: App, asked: Again) -> Outcome<Relooked> {
    let Some(bytes) = app.blobs.get(&evidence_key(&asked.photo.sha256)).await? else {
        return Ok(Relooked::Dropped);
    };
    let looked = tokio::task::spawn_blocking(move || Relooked::Found(found(&bytes, asked)));
    looked.await.map_err(|_| Failure::fault("a look at a photo panicked"))
}

/// What the look and the comparison with the other photos of its pairs find.
fn found(bytes: &[u8], asked: Again) -> Vec<Finding> {
    let looked = see(bytes, &asked.photo);
    let mut index = HashIndex::default();
    asked.others.into_iter().for_each(|row| remember(&mut index, row));
    let hits = nearest(&index, &asked.photo, [looked.prints, looked.trimmed], |_| true);
    together(&looked.findings, &same_bytes(asked.copies), hits).0
}
