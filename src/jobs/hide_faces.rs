//! Makes what brands see of one photo: fetch the rendition that people look at, search it for faces, hide them, store both
//! sizes, record. Whatever fails comes again later; until then the brand is shown nothing of the photo.

use super::Bench;
use crate::checks::faces::{RULE_VERSION, hide_in};
use crate::domain::ids::EvidenceId;
use crate::domain::refusal::{Failure, Outcome};
use crate::ops::faces::{self, brand_key};
use crate::ops::work::{self, Claimed};

pub(super) async fn run(bench: Bench, claimed: Claimed) -> Outcome<()> {
    let (id, job) = (EvidenceId::from_stored(claimed.subject.clone()), claimed.id.clone());
    let Some(photo) = bench.block(move |cx| faces::photo_to_search(cx, &id)).await? else {
        return bench.block(move |cx| work::done(cx, &job)).await;
    };
    let finder = bench.app.faces.clone().ok_or_else(|| Failure::fault("this process has no face model"))?;
    let bytes = bench.app.blobs.get(&photo.rendition).await?;
    let bytes = bytes.ok_or_else(|| Failure::fault(format!("{} is not in the photo store", photo.rendition)))?;
    let hidden = tokio::task::spawn_blocking(move || hide_in(&*finder, &bytes));
    let hidden = hidden.await.map_err(|_| Failure::fault("a search for faces panicked"))?.map_err(Failure::fault)?;
    bench.app.blobs.put(&brand_key(&photo.sha256, 1600), hidden.renditions.large).await?;
    bench.app.blobs.put(&brand_key(&photo.sha256, 320), hidden.renditions.small).await?;
    let count = hidden.count;
    bench.block(move |cx| faces::record_hidden(cx, &job, &photo.id, count, RULE_VERSION)).await
}
