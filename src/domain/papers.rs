//! Papers of a worker: what must be known for tax and until when it is kept, which part of what was earned a payout
//! pays, and the sentences that the law asks for. Texts of the law are named where they are used.

use serde::{Deserialize, Serialize};

use super::refusal::FieldError;
use super::store::is_country;
use super::tax_number;
use super::time::At;

/// Who a worker is for tax. All of it is sealed where it is stored.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxPerson {
    #[serde(default)]
    pub first_name: Option<String>,
    #[serde(default)]
    pub last_name: Option<String>,
    #[serde(default)]
    pub street: Option<String>,
    #[serde(default)]
    pub postcode: Option<String>,
    #[serde(default)]
    pub city: Option<String>,
    /// ISO 3166: where the person lives, and whose tax number it is.
    #[serde(default)]
    pub country: Option<String>,
    /// `1990-12-31`
    #[serde(default)]
    pub birth_date: Option<String>,
    #[serde(default)]
    pub tax_number: Option<String>,
    /// Only of who is registered for VAT.
    #[serde(default)]
    pub vat_number: Option<String>,
}

const LINE_MAX_CHARS: usize = 100;

impl TaxPerson {
    /// Trimmed, numbers in their normal form, empty lines as if they were not given.
    pub fn normal(self) -> TaxPerson {
        let line = |text: Option<String>| text.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
        let number = |text: Option<String>| text.map(|t| tax_number::normal(&t)).filter(|t| !t.is_empty());
        TaxPerson {
            first_name: line(self.first_name),
            last_name: line(self.last_name),
            street: line(self.street),
            postcode: line(self.postcode),
            city: line(self.city),
            country: line(self.country),
            birth_date: line(self.birth_date),
            tax_number: number(self.tax_number),
            vat_number: number(self.vat_number),
        }
    }

    fn lines(&self) -> [(&'static str, &Option<String>); 5] {
        [
            ("first_name", &self.first_name),
            ("last_name", &self.last_name),
            ("street", &self.street),
            ("postcode", &self.postcode),
            ("city", &self.city),
        ]
    }

    /// What the law asks for and is not there (Directive 2011/16/EU, annex V, section II B).
    pub fn missing(&self) -> Vec<&'static str> {
        let rest = [("country", &self.country), ("birth_date", &self.birth_date), ("tax_number", &self.tax_number)];
        self.lines().into_iter().chain(rest).filter(|(_, value)| value.is_none()).map(|(name, _)| name).collect()
    }

    /// What is there and wrong. `now` is asked because nobody is born in the future.
    pub fn errors(&self, now: At) -> Vec<FieldError> {
        let mut errors = Vec::new();
        for (name, value) in self.lines() {
            let Some(text) = value else { continue };
            if text.chars().count() > LINE_MAX_CHARS || text.chars().any(char::is_control) {
                let detail = format!("At most {LINE_MAX_CHARS} characters on one line.");
                errors.push(FieldError::new(format!("/{name}"), "length", detail));
            }
        }
        let country = self.country.as_deref();
        if country.is_some_and(|code| !is_country(code)) {
            let detail = "An ISO 3166 code of two capital letters, such as FR.";
            errors.push(FieldError::new("/country", "country_unknown", detail));
        }
        if self.birth_date.as_deref().is_some_and(|text| !is_birth_date(text, now)) {
            errors.push(FieldError::new("/birth_date", "birth_date", "A day since 1900, such as 1990-12-31."));
        }
        if let Some(number) = &self.tax_number
            && !country.is_some_and(|country| tax_number::is_valid(country, number))
        {
            let detail = match country {
                Some(country) => format!("This is no tax number of {country}: a digit or a letter is wrong."),
                None => "Say the country whose number it is.".to_owned(),
            };
            errors.push(FieldError::new("/tax_number", "tax_number", detail));
        }
        if let Some(number) = &self.vat_number
            && !country.is_some_and(|country| tax_number::is_vat_number(country, number))
        {
            let detail = "It begins with the letters of your country, such as FR40303265045.";
            errors.push(FieldError::new("/vat_number", "vat_number", detail));
        }
        errors
    }
}

fn is_birth_date(text: &str, now: At) -> bool {
    text.len() == 10
        && text
            .parse::<jiff::civil::Date>()
            .is_ok_and(|day| day.year() >= 1900 && day < now.timestamp().to_zoned(jiff::tz::TimeZone::UTC).date())
}

/// Who runs the platform, as papers name it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Platform {
    pub name: String,
    pub address: String,
    pub country: String,
    pub tax_number: String,
    pub vat_number: Option<String>,
}

// When what is missing holds money back

/// Letters that ask for what is missing, the first one with the first earning; with the last one payouts are held.
pub const REMINDERS: usize = 3;
/// Days from one letter to the next, whenever the first one went out. The directive (annex V, section IV A 2) wants two
/// reminders and at least 60 days.
pub const REMINDER_GAP_DAYS: i64 = 30;

/// The next letter's number from 0 on, when it is due. `last`: when the one before went out.
pub fn reminder_due(last: Option<At>, sent: usize, now: At) -> Option<usize> {
    let due = last.is_none_or(|at| at.plus_days(REMINDER_GAP_DAYS) <= now);
    (due && sent < REMINDERS).then_some(sent)
}

/// Whether a payout waits for the profile: always before the first one, else from the last reminder on.
pub fn must_wait(complete: bool, was_paid: bool, reminders: usize) -> bool {
    !complete && (!was_paid || reminders >= REMINDERS)
}

// What a payout pays

/// Oldest first: which credits, and how much of each, make up the stretch from `from` to `to` of all that was credited.
pub fn covered(credits: &[i64], from: i64, to: i64) -> Vec<(usize, i64)> {
    let mut end = 0_i64;
    let mut parts = Vec::new();
    for (place, credit) in credits.iter().enumerate() {
        let begin = end;
        end = end.saturating_add(*credit);
        let part = end.min(to) - begin.max(from);
        if part > 0 {
            parts.push((place, part));
        }
        if end >= to {
            break;
        }
    }
    parts
}

// Calendar

/// Quarters are those of UTC.
pub fn year_of(at: At) -> i16 {
    at.timestamp().to_zoned(jiff::tz::TimeZone::UTC).year()
}

/// The four quarters of a year, and the first instant after them. `None` beyond the calendar.
pub fn quarters(year: i16) -> Option<[At; 5]> {
    let start = |year: i16, month: i8| {
        let day = jiff::civil::Date::new(year, month, 1).ok()?;
        Some(At::from_timestamp(day.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp()))
    };
    Some([start(year, 1)?, start(year, 4)?, start(year, 7)?, start(year, 10)?, start(year.checked_add(1)?, 1)?])
}

/// Years after the year of a document in which it must be kept (France: code de commerce, art. L123-22; Switzerland: CO
/// art. 958f; Belgium: ten years since 2023).
pub const DOCUMENT_YEARS: i16 = 10;
/// Years after a reported year in which the platform must be able to show what it relied on (Directive 2011/16/EU, annex
/// V, section IV B 2: at least five, at most ten).
pub const REPORT_YEARS: i16 = 5;

/// The end of the year of `at` and `years` more.
pub fn kept_until(at: At, years: i16) -> At {
    quarters(year_of(at).saturating_add(years)).map_or(at, |starts| starts[4])
}

/// What is older need not be kept for `years` any more.
pub fn kept_since(now: At, years: i16) -> Option<At> {
    quarters(year_of(now).saturating_sub(years)).map(|starts| starts[0])
}

// Sentences

/// A sentence, and where more is told.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Duty {
    pub language: String,
    pub text: String,
    pub link: Option<String>,
}

fn duty(language: &str, text: &str, link: Option<&str>) -> Duty {
    Duty { language: language.to_owned(), text: text.to_owned(), link: link.map(str::to_owned) }
}

/// The pages that art. 242 bis of the French tax code has platforms point to.
pub const IMPOTS: &str = "https://www.impots.gouv.fr/portail/node/10841";
pub const URSSAF: &str = "https://www.urssaf.fr/portail/home/espaces-dedies/activites-relevant-de-leconomie.html";

/// What a worker of this country is told of tax and social security with each payment.
pub fn duties(country: Option<&str>) -> Vec<Duty> {
    match country {
        Some("FR") => vec![
            duty(
                "fr",
                "Article 242 bis du code général des impôts : les revenus que vous tirez de cette plateforme peuvent être \
                 soumis à l'impôt. Vos obligations fiscales sont expliquées sur le site de l'administration fiscale.",
                Some(IMPOTS),
            ),
            duty(
                "fr",
                "Ces revenus peuvent aussi être soumis à des cotisations et contributions sociales. Vos obligations \
                 sociales sont expliquées sur le site de l'Urssaf.",
                Some(URSSAF),
            ),
            duty(
                "en",
                "Article 242 bis of the French tax code: what you earn on this platform may be taxable. The tax \
                 administration explains your duties.",
                Some(IMPOTS),
            ),
            duty("en", "Social contributions may be due on it as well. Urssaf explains your duties.", Some(URSSAF)),
        ],
        _ => vec![
            duty(
                "en",
                "What you earn here may be taxable, and social contributions may be due on it. The tax and social \
                 security authorities of the country where you live explain your duties.",
                None,
            ),
            duty(
                "fr",
                "Ces revenus peuvent être soumis à l'impôt et à des cotisations sociales. Les administrations fiscale et \
                 sociale de votre pays de résidence expliquent vos obligations.",
                None,
            ),
        ],
    }
}

/// The version of the terms below; a new text is a new version. Who accepted an older one goes on under that.
pub const TERMS_VERSION: &str = "2026-11";

/// What a worker accepts, in `fr` or else in English.
pub fn terms(language: &str) -> &'static str {
    match language {
        "fr" => {
            "Mandat de facturation (autofacturation). Vous donnez mandat à la plateforme d'établir en votre nom et pour \
             votre compte les factures de vos missions : une par paiement, numérotée sans rupture, mise à votre disposition \
             dès son émission. Vous disposez de 15 jours pour contester une facture. Vous restez responsable de vos \
             obligations en matière de TVA et signalez sans tarder tout changement d'adresse ou de situation. Vous pouvez \
             retirer ce mandat à tout moment pour l'avenir."
        }
        _ => {
            "Self-billing agreement. You let the platform write the invoices for your missions in your name: one for each \
             payment, numbered without a gap, shown to you as soon as it is written. You have 15 days to object to an \
             invoice. Your duties about VAT stay yours, and you tell us without delay when your address or your \
             registration changes. You may withdraw at any time for the future."
        }
    }
}

/// "This invoice was written by the customer" (Directive 2006/112/EC, art. 226 (10a)).
pub fn self_billing_mention(french: bool) -> &'static str {
    if french { "Autofacturation (Self-billing)" } else { "Self-billing" }
}

/// What a document says of VAT. Whether the supplier is registered is told by the VAT number alone, which stands with the
/// supplier's name.
pub fn vat_mention(supplier: &TaxPerson, platform: &Platform) -> String {
    let country = supplier.country.as_deref().unwrap_or_default();
    match &supplier.vat_number {
        None => match country {
            "FR" => "TVA non applicable, art. 293 B du CGI (VAT not applicable)".to_owned(),
            "BE" => "Petite entreprise soumise au régime de la franchise de taxe - TVA non applicable (small business \
                     exempt from VAT, art. 56bis CTVA)"
                .to_owned(),
            "DE" => "Kein Ausweis von Umsatzsteuer, § 19 UStG (small business exempt from VAT)".to_owned(),
            "CH" => "Supplier not registered for VAT (art. 10 MWSTG/LTVA)".to_owned(),
            _ => "Supplier not registered for VAT: exempt small business (Directive 2006/112/EC, art. 284)".to_owned(),
        },
        Some(_) if country == platform.country => {
            "The amount includes the VAT that the supplier owes on it.".to_owned()
        }
        Some(_) => format!(
            "Reverse charge / Autoliquidation (Directive 2006/112/EC, art. 196): VAT is due by the customer, VAT number {}.",
            platform.vat_number.as_deref().unwrap_or("none")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> At {
        At::parse(text).expect("a time")
    }

    #[test]
    fn a_payout_pays_the_oldest_credits_that_are_not_paid() {
        let credits = [100, 50, 200];
        assert_eq!(covered(&credits, 0, 120), [(0, 100), (1, 20)]);
        assert_eq!(covered(&credits, 120, 350), [(1, 30), (2, 200)]);
        assert_eq!(covered(&credits, 350, 400), []);
    }

    #[test]
    fn three_letters_then_payouts_wait() {
        let first = at("2026-03-10T09:00:00Z");
        assert_eq!(reminder_due(None, 0, first), Some(0));
        assert_eq!(reminder_due(Some(first), 1, first.plus_days(29)), None);
        assert_eq!(reminder_due(Some(first), 1, first.plus_days(30)), Some(1));
        assert_eq!(reminder_due(Some(first), 3, first.plus_days(900)), None);
        assert!(must_wait(false, false, 0) && must_wait(false, true, 3));
        assert!(!must_wait(false, true, 2) && !must_wait(true, false, 3));
    }

    #[test]
    fn a_year_has_its_quarters_and_papers_their_last_day() {
        let starts = quarters(2026).expect("a year");
        assert_eq!(starts[1], at("2026-04-01T00:00:00Z"));
        assert_eq!(starts[4], at("2027-01-01T00:00:00Z"));
        assert_eq!(kept_until(at("2026-03-10T09:00:00Z"), 10), at("2037-01-01T00:00:00Z"));
        assert!(quarters(i16::MAX).is_none());
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let now = at("2026-03-10T09:00:00Z");
        let empty = TaxPerson::default();
        assert_eq!(empty.missing().len(), 8);
        assert!(empty.errors(now).is_empty());
        let wrong = TaxPerson {
            country: Some("ZZ".to_owned()),
            birth_date: Some("2026-03-10".to_owned()),
            tax_number: Some("1".to_owned()),
            vat_number: Some("FR".to_owned()),
            city: Some("a\nb".to_owned()),
            ..empty
        };
        let codes: Vec<String> = wrong.errors(now).into_iter().map(|error| error.pointer).collect();
        assert_eq!(codes, ["/city", "/country", "/birth_date", "/tax_number", "/vat_number"]);
    }
}
