//! Papers as pages to print: made from what is stored and from nothing else, so that they stay the same to the byte.

use std::fmt::Display;

use actix_web::HttpResponse;

use crate::domain::money::Money;
use crate::domain::papers::{Duty, Platform};
use crate::domain::time::At;
use crate::ops::dac7::RecapView;
use crate::ops::selfbilling::{DocumentView, NoticeView, PaidLine};

pub fn answer(page: &str) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header(("cache-control", "private, no-store"))
        .insert_header(("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'"))
        .body(page.to_owned())
}

fn escape(text: impl Display) -> String {
    let text = text.to_string();
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

fn sheet(language: &str, title: &str, body: &str) -> String {
    let (language, title) = (escape(language), escape(title));
    format!(
        "<!doctype html><html lang=\"{language}\"><head><meta charset=\"utf-8\"><meta \
         name=\"viewport\" content=\"width=device-width\"><title>{title}</title><style>body{{font:\
         11pt/1.4 sans-serif;max-width:45rem;margin:2rem auto;padding:0 1rem}}table{{border-collapse:collapse;width:100%}}\
         td,th{{border-bottom:1px solid #999;padding:.2em .4em;text-align:left;vertical-align:top}}.n{{text-align:right;\
         white-space:nowrap}}@media screen and (max-width:40rem){{table{{display:block;overflow-x:auto}}td{{overflow-wrap:\
         anywhere;min-width:4.5em}}}}@media print{{body{{margin:0}}}}</style></head><body><h1>{title}</h1>{body}</body></html>\n"
    )
}

fn day(at: At) -> String {
    at.to_string().chars().take(10).collect()
}

fn platform(platform: &Platform) -> String {
    let vat = platform.vat_number.as_ref().map(|number| format!("<br>{}", escape(number))).unwrap_or_default();
    let (name, address, country) = (escape(&platform.name), escape(&platform.address), escape(&platform.country));
    format!("<p>{name}<br>{address}<br>{country} {}{vat}</p>", escape(&platform.tax_number))
}

fn lines(lines: &[PaidLine], french: bool) -> String {
    let head = match french {
        true => {
            "<tr><th>Date</th><th>Mission</th><th>Magasin</th><th class=\"n\">Gagné</th><th class=\"n\">Payé</th></tr>"
        }
        false => {
            "<tr><th>Date</th><th>Mission</th><th>Store</th><th class=\"n\">Earned</th><th class=\"n\">Paid</th></tr>"
        }
    };
    let rows: String = lines
        .iter()
        .map(|line| {
            let mission = line.mission_id.as_ref().map(|id| format!(" {id}")).unwrap_or_default();
            format!(
                "<tr><td>{}</td><td>{}{}</td><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
                day(line.at),
                escape(&line.kind),
                escape(mission),
                escape(line.store_name.as_deref().unwrap_or_default()),
                line.earned,
                line.paid
            )
        })
        .collect();
    format!("<table>{head}{rows}</table>")
}

fn duties(duties: &[Duty]) -> String {
    let one = |duty: &Duty| {
        let link = duty.link.as_ref().map(escape);
        let link = link.map(|link| format!(" <a href=\"{link}\">{link}</a>")).unwrap_or_default();
        format!("<p lang=\"{}\">{}{link}</p>", escape(&duty.language), escape(&duty.text))
    };
    duties.iter().map(one).collect()
}

fn sums(rows: &[(&str, Money)]) -> String {
    let row = |(name, money): &(&str, Money)| format!("<tr><th>{name}</th><td class=\"n\">{money}</td></tr>");
    format!("<table>{}</table>", rows.iter().map(row).collect::<String>())
}

pub fn notice(view: &NoticeView) -> String {
    let body = format!(
        "{}<p>Payout / Versement {}<br>Worker / Prestataire {}<br>Requested / Demandé {}<br>Arrived / Reçu {}{}</p>{}{}<h2>Tax \
         and social security / Impôts et cotisations</h2>{}",
        platform(&view.platform),
        escape(&view.payout_id),
        escape(&view.worker_id),
        day(view.requested_at),
        day(view.settled_at),
        view.returned_at.map(|at| format!("<br>Came back / Revenu {}", day(at))).unwrap_or_default(),
        sums(&[("Gross / Brut", view.gross), ("Cost of the transfer / Frais", view.cost), ("Net / Net", view.net)]),
        lines(&view.lines, false),
        duties(&view.duties),
    );
    sheet("en", "Payment notice / Avis de paiement", &body)
}

pub fn document(view: &DocumentView) -> String {
    let french = view.language == "fr";
    let credit = view.kind == "credit_note";
    let title = match (credit, french) {
        (false, true) => "Facture",
        (false, false) => "Invoice",
        (true, true) => "Avoir",
        (true, false) => "Credit note",
    };
    let (supplier_word, customer_word, total) = match french {
        true => ("Prestataire", "Client", "Total"),
        false => ("Supplier", "Customer", "Total"),
    };
    let supplier = view.supplier.as_ref().map_or_else(String::new, |supplier| {
        let vat = supplier.vat_number.as_ref().map(|number| format!("<br>{}", escape(number))).unwrap_or_default();
        format!(
            "{}<br>{}<br>{} {}<br>{}{vat}",
            escape(&supplier.name),
            escape(&supplier.street),
            escape(&supplier.postcode),
            escape(&supplier.city),
            escape(&supplier.country)
        )
    });
    let original = view.original_number.as_ref().filter(|_| credit).map_or_else(String::new, |number| {
        let word = if french { "Annule la facture" } else { "Takes back invoice" };
        format!("<p>{word} {}. {}</p>", escape(number), escape(view.reason.as_deref().unwrap_or_default()))
    });
    let amount = if credit { Money::new(-view.amount.minor, view.amount.currency) } else { view.amount };
    let body = format!(
        "<p><strong>{}</strong></p><p>{}</p><h2>{supplier_word}</h2><p>{supplier}<br>{}</p><h2>{customer_word}</h2>{}\
         {original}{}{}<p>{}</p>",
        escape(&view.mention),
        day(view.issued_at),
        escape(&view.worker_id),
        platform(&view.platform),
        lines(&view.lines, french),
        sums(&[(total, amount)]),
        escape(&view.vat),
    );
    sheet(&view.language, &format!("{title} {}", view.number), &body)
}

pub fn recap(view: &RecapView) -> String {
    let mut body = platform(&view.platform);
    let name = view.name.as_deref().unwrap_or_default();
    let number = view.tax_number.as_deref().unwrap_or_default();
    body.push_str(&format!("<p>{} {}<br>{}</p>", escape(name), escape(number), escape(&view.worker_id)));
    for figures in &view.figures {
        body.push_str(
            "<table><tr><th>Quarter / Trimestre</th><th class=\"n\">Credited / Crédité</th><th class=\"n\">Visits / \
             Visites</th><th class=\"n\">Fees of the platform / Commission</th></tr>",
        );
        for (n, quarter) in (1..).zip(&figures.quarters) {
            body.push_str(&format!(
                "<tr><td>{n}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
                quarter.consideration, quarter.activities, quarter.fees
            ));
        }
        body.push_str("</table>");
    }
    for paid in &view.paid_out {
        body.push_str(&format!("<p>Paid out / Versé : {} ({})</p>", paid.gross, paid.payouts));
    }
    body.push_str(&duties(&view.duties));
    sheet("en", &format!("Recap / Récapitulatif {}", view.year), &body)
}
