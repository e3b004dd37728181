//! A campaign's figures as JSON and as a file for spreadsheets.

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION};
use bytes::Bytes;
use futures_util::stream;

use crate::access::BrandViewer;
use crate::domain::ids::CampaignId;
use crate::ops;
use crate::web::body::Id;
use crate::web::gate::{Answer, Gate};

pub async fn get_report(gate: Gate<BrandViewer>, Id(id): Id<CampaignId>) -> Answer {
    gate.ok(&gate.run(move |cx, who| ops::report::get_report(cx, who, &id)).await?)
}

/// Sent piece by piece: memory does not grow with the campaign.
pub async fn get_report_csv(gate: Gate<BrandViewer>, Id(id): Id<CampaignId>) -> Answer {
    let asked = id.clone();
    let first = gate.run(move |cx, who| ops::report::get_report_csv(cx, who, &asked, None)).await?;
    let name = format!("attachment; filename=\"{id}.csv\"");
    let rest = stream::unfold((gate, id, Some(first)), |(gate, id, part)| async move {
        let part = part?;
        let Some(place) = part.next else {
            return (!part.text.is_empty()).then(|| (Ok(Bytes::from(part.text)), (gate, id, None)));
        };
        let asked = id.clone();
        let next = gate.run(move |cx, who| ops::report::get_report_csv(cx, who, &asked, Some(&place))).await;
        // A failure after the first piece cuts the answer off, so that nobody takes a part for the whole.
        let (text, next) = match next {
            Ok(next) => (Ok(Bytes::from(part.text)), Some(next)),
            Err(failure) => (Err(std::io::Error::other(failure.to_string())), None),
        };
        Some((text, (gate, id, next)))
    });
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((CONTENT_DISPOSITION, name))
        .insert_header((CACHE_CONTROL, "private, no-store"))
        .streaming(rest))
}
