//! The whole verification: the database's invariants, then each stored photo's bytes (I12). For the command and for tests.

use sha2::{Digest, Sha256};

use crate::context::App;
use crate::domain::ids::EvidenceId;
use crate::domain::refusal::{Failure, Outcome};
use crate::ops::verify::{self, Broken, Checked, StoredPhoto};
use crate::ports::blobs::evidence_key;

const PAGE: i64 = 500;

/// Checks I01 to I21. `quick` compares the length of each photo only, not its bytes.
pub async fn verify(app: &App, quick: bool) -> Outcome<Vec<Checked>> {
    let mut all = read(app, verify::verify).await?;
    let photos = photos(app, quick).await?;
    if let Some(i12) = all.iter_mut().find(|checked| checked.id == "I12") {
        i12.violations.extend(photos);
    }
    Ok(all)
}

async fn read<T: Send + 'static>(
    app: &App,
    f: impl FnOnce(&crate::context::Cx) -> Outcome<T> + Send + 'static,
) -> Outcome<T> {
    let cx = app.cx();
    tokio::task::spawn_blocking(move || f(&cx)).await.map_err(|_| Failure::fault("a check panicked"))?
}

async fn photos(app: &App, quick: bool) -> Outcome<Vec<Broken>> {
    let mut found = Vec::new();
    let mut after: Option<EvidenceId> = None;
    loop {
        let from = after.clone();
        let page = read(app, move |cx| verify::photos_after(cx, from.as_ref(), PAGE)).await?;
        let Some(last) = page.last() else { return Ok(found) };
        after = Some(last.id.clone());
        for photo in &page {
            let broken = |what: String| Broken { what, id: photo.id.to_string() };
            found.extend(bytes_of(app, photo, quick).await?.map(broken));
            for key in &photo.renditions {
                if app.blobs.size(key).await?.is_none() {
                    found.push(broken(format!("its rendition {key} is missing")));
                }
            }
        }
    }
}

/// What is wrong with the stored bytes.
async fn bytes_of(app: &App, photo: &StoredPhoto, quick: bool) -> Outcome<Option<String>> {
    let key = evidence_key(&photo.sha256);
    let size = if quick {
        app.blobs.size(&key).await?
    } else {
        let bytes = app.blobs.get(&key).await?;
        if let Some(bytes) = &bytes
            && Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect::<String>() != photo.sha256
        {
            return Ok(Some("its bytes have another SHA-256".to_owned()));
        }
        bytes.map(|bytes| bytes.len() as u64)
    };
    Ok(match size {
        None => Some("its bytes are missing".to_owned()),
        Some(size) if i64::try_from(size) != Ok(photo.size_bytes) => {
            Some(format!("it has {size} bytes instead of {}", photo.size_bytes))
        }
        Some(_) => None,
    })
}

/// One line for each invariant, then examples of what breaks it.
pub fn table(all: &[Checked]) -> String {
    let mut text = String::new();
    for checked in all {
        let result = match checked.violations.len() {
            0 => "ok".to_owned(),
            n => format!("BROKEN, {n} found"),
        };
        text.push_str(&format!("{}  {:<58} {result}\n", checked.id, checked.sentence));
        for broken in checked.violations.iter().take(5) {
            text.push_str(&format!("       {}: {}\n", broken.id, broken.what));
        }
    }
    text
}
