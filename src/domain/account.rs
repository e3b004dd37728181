//! Where a worker's money goes: what may be written there, and how much of it is shown. The clear text lives in memory
//! only; it has no `Debug`, so that no log line ever holds it.

use iban::{Iban, IbanLike as _};
use serde::{Deserialize, Serialize};

use super::payout::Rail;
use super::refusal::FieldError;

/// What a worker says about a method, flat as it is sent.
#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub struct AccountBody {
    pub rail: Rail,
    /// Proves that it is the owner who asks.
    pub password: String,
    /// Of the rail `bank`.
    #[serde(default)]
    pub iban: Option<String>,
    #[serde(default)]
    pub bic: Option<String>,
    /// The account's owner as the bank knows them.
    #[serde(default)]
    pub holder: Option<String>,
    #[serde(default)]
    pub street: Option<String>,
    #[serde(default)]
    pub building: Option<String>,
    #[serde(default)]
    pub postcode: Option<String>,
    #[serde(default)]
    pub town: Option<String>,
    #[serde(default)]
    pub country: Option<String>,
    /// Of the rail `paypal`: the e-mail address of the PayPal account.
    #[serde(default)]
    pub paypal_address: Option<String>,
    /// Of the rail `test`.
    #[serde(default)]
    pub account: Option<String>,
    /// True: pay all there is to this method in every daily run. Null: leave that choice as it is.
    #[serde(default)]
    pub automatic: Option<bool>,
}

/// What is sealed.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq)]
pub struct Account {
    pub rail: Rail,
    /// IBAN in electronic form, PayPal address, or the test bank's text; empty for vouchers.
    pub number: String,
    pub bic: Option<String>,
    pub holder: String,
    pub street: Option<String>,
    pub building: Option<String>,
    pub postcode: Option<String>,
    pub town: Option<String>,
    /// Of the address; the account's is in the IBAN.
    pub country: Option<String>,
}

impl Account {
    /// Of payouts from before there were methods.
    pub fn of_test_bank(text: &str) -> Account {
        Account {
            rail: Rail::Test,
            number: text.to_owned(),
            bic: None,
            holder: String::new(),
            street: None,
            building: None,
            postcode: None,
            town: None,
            country: None,
        }
    }

    /// Reads what was sent; all that is wrong with it otherwise.
    pub fn read(asked: &AccountBody) -> Result<Account, Vec<FieldError>> {
        let mut errors = Vec::new();
        let mut wrong = |pointer: &str, code: &str, detail: &str| errors.push(FieldError::new(pointer, code, detail));
        let mut account = Account { rail: asked.rail, ..Account::of_test_bank("") };
        let of_bank = [&asked.bic, &asked.holder, &asked.street, &asked.building, &asked.postcode, &asked.town];
        let fields = [
            ("/iban", Rail::Bank, asked.iban.is_some()),
            ("/paypal_address", Rail::PayPal, asked.paypal_address.is_some()),
            ("/account", Rail::Test, asked.account.is_some()),
            ("/holder", Rail::Bank, of_bank.iter().any(|f| f.is_some()) || asked.country.is_some()),
        ];
        for (pointer, rail, given) in fields {
            if given && rail != asked.rail {
                wrong(pointer, "unexpected", "It belongs to another rail.");
            } else if !given && rail == asked.rail && pointer != "/holder" {
                wrong(pointer, "required", "This rail needs it.");
            }
        }
        match asked.rail {
            Rail::Bank => {
                if let Some(text) = &asked.iban {
                    match read_iban(text) {
                        Some(iban) if is_qr_iban(&iban) => {
                            wrong(
                                "/iban",
                                "qr_iban",
                                "This is a QR-IBAN, for bills only: give the account's own IBAN.",
                            );
                        }
                        Some(iban) => account.number = iban,
                        None => wrong("/iban", "iban", "This is not an IBAN: a letter or a digit is wrong."),
                    }
                }
                if let Some(text) = &asked.bic {
                    match read_bic(text) {
                        Some(bic) if !same_country(&bic, &account.number) => {
                            wrong("/bic", "bic", "This bank is in another country than the IBAN.");
                        }
                        Some(bic) => account.bic = Some(bic),
                        None => wrong("/bic", "bic", "A BIC has 8 or 11 letters and digits, such as GKCCBEBB."),
                    }
                }
                let line = |text: &str, most: usize| {
                    let length = text.chars().count();
                    (1..=most).contains(&length) && !text.trim().is_empty() && !text.chars().any(char::is_control)
                };
                match asked.holder.as_deref() {
                    Some(text) if line(text, 70) => account.holder = text.trim().to_owned(),
                    _ => wrong("/holder", "required", "The name of the account's owner, 1 to 70 characters."),
                }
                let lines = [
                    ("/street", &asked.street, 70, &mut account.street),
                    ("/building", &asked.building, 16, &mut account.building),
                    ("/postcode", &asked.postcode, 16, &mut account.postcode),
                    ("/town", &asked.town, 35, &mut account.town),
                ];
                for (pointer, text, most, place) in lines {
                    match text.as_deref() {
                        Some(text) if line(text, most) => *place = Some(text.trim().to_owned()),
                        Some(_) => wrong(pointer, "length", "It is too long, blank, or has control characters."),
                        None => {}
                    }
                }
                if let Some(country) = &asked.country {
                    match super::store::is_country(country) {
                        true => account.country = Some(country.clone()),
                        false => wrong("/country", "country_unknown", "Two capital letters of ISO 3166."),
                    }
                }
            }
            Rail::PayPal => {
                if let Some(text) = &asked.paypal_address {
                    match super::user::normal_email(text).filter(|text| text.len() <= 127) {
                        Some(address) => account.number = address,
                        None => wrong("/paypal_address", "email", "This is not an e-mail address."),
                    }
                }
            }
            Rail::Test => {
                if let Some(text) = &asked.account {
                    let plain = |b: u8| b.is_ascii_alphanumeric() || b" .:-".contains(&b);
                    if (5..=64).contains(&text.len()) && text.bytes().all(plain) {
                        account.number = text.clone();
                    } else {
                        wrong("/account", "pattern", "5 to 64 letters, digits, spaces, dots, colons and hyphens.");
                    }
                }
            }
            Rail::Voucher => {}
        }
        if errors.is_empty() { Ok(account) } else { Err(errors) }
    }

    /// Country of the bank, where there is one.
    pub fn country(&self) -> Option<&str> {
        (self.rail == Rail::Bank).then(|| self.number.get(..2)).flatten()
    }

    /// Enough to be recognised by its owner, too little for anybody else.
    pub fn masked(&self) -> String {
        let last = |text: &str| -> String {
            let all: Vec<char> = text.chars().collect();
            all[all.len().saturating_sub(4)..].iter().collect()
        };
        match self.rail {
            Rail::Bank => format!("{}** **** {}", self.number.get(..2).unwrap_or(""), last(&self.number)),
            Rail::PayPal => format!("{}***{}", self.number.get(..1).unwrap_or(""), last(&self.number)),
            Rail::Voucher => "gift code".to_owned(),
            Rail::Test => format!("test {}", last(&self.number)),
        }
    }
}

/// An IBAN in electronic form; spaces and small letters are forgiven.
pub fn read_iban(text: &str) -> Option<String> {
    if text.len() > 64 {
        return None;
    }
    let plain: String = text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_uppercase()).collect();
    plain.parse::<Iban>().ok().map(|iban| iban.electronic_str().to_owned())
}

/// A BIC: bank (4 letters), country (2 letters), place (2), and perhaps a branch (3).
pub fn read_bic(text: &str) -> Option<String> {
    let bic = text.trim().to_ascii_uppercase();
    let good = matches!(bic.len(), 8 | 11)
        && bic.bytes().all(|b| b.is_ascii_alphanumeric())
        && bic.bytes().take(6).all(|b| b.is_ascii_uppercase())
        && super::store::is_country(&bic[4..6]);
    good.then_some(bic)
}

/// Swiss and Liechtenstein accounts for bills have bank numbers of their own, and take nothing without a bill's reference.
fn is_qr_iban(iban: &str) -> bool {
    let bank = iban.get(4..9).and_then(|bank| bank.parse::<u32>().ok());
    matches!(iban.get(..2), Some("CH" | "LI")) && bank.is_some_and(|bank| (30_000..=31_999).contains(&bank))
}

/// Banks of some territories have IBANs of the country that they belong to. Without an IBAN nothing is said.
fn same_country(bic: &str, iban: &str) -> bool {
    let Some(country) = iban.get(..2) else { return true };
    match &bic[4..6] {
        "GF" | "GP" | "MQ" | "RE" | "YT" | "PM" | "BL" | "MF" | "NC" | "PF" | "WF" | "MC" if country == "FR" => true,
        "JE" | "GG" | "IM" if country == "GB" => true,
        bank => bank == country,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(rail: &str, more: serde_json::Value) -> AccountBody {
        let mut all = serde_json::json!({ "rail": rail, "password": "x" });
        for (name, value) in more.as_object().expect("an object") {
            all[name] = value.clone();
        }
        serde_json::from_value(all).expect("a body")
    }

    fn complaints(rail: &str, more: serde_json::Value) -> Vec<String> {
        match Account::read(&body(rail, more)) {
            Ok(_) => Vec::new(),
            Err(errors) => errors.into_iter().map(|e| format!("{} {}", e.pointer, e.code)).collect(),
        }
    }

    #[test]
    fn an_iban_is_read_and_shown_by_its_last_four() {
        let asked = serde_json::json!({ "iban": "be68 5390 0754 7034", "holder": "Ana Peeters", "bic": "gkccbebb" });
        let account = Account::read(&body("bank", asked)).expect("good");
        assert_eq!((account.number.as_str(), account.country()), ("BE68539007547034", Some("BE")));
        assert_eq!(account.masked(), "BE** **** 7034");
        assert_eq!(account.bic.as_deref(), Some("GKCCBEBB"));
    }

    #[test]
    fn an_account_that_no_transfer_reaches_is_refused() {
        use serde_json::json;
        let with =
            |iban: &str, bic: Option<&str>| complaints("bank", json!({ "iban": iban, "holder": "A", "bic": bic }));
        assert_eq!(with("CH4431999123000889012", None), ["/iban qr_iban"]);
        assert_eq!(with("CH1930808000000123456", None), ["/iban qr_iban"]);
        assert_eq!(with("CH3908704016075473007", Some("POFICHBEXXX")), [""; 0]);
        assert_eq!(with("CH3908704016075473007", Some("GKCCBEBB")), ["/bic bic"]);
        assert_eq!(with("FR1420041010050500013M02606", Some("CMCIMCMX")), [""; 0], "a bank of Monaco");
    }

    #[test]
    fn each_rail_takes_its_own_fields() {
        use serde_json::json;
        assert_eq!(complaints("bank", json!({ "iban": "BE68539007547035", "holder": "A" })), ["/iban iban"]);
        assert_eq!(complaints("bank", json!({ "holder": "A" })), ["/iban required"]);
        assert_eq!(complaints("bank", json!({ "iban": "BE68539007547034" })), ["/holder required"]);
        assert_eq!(
            complaints("bank", json!({ "iban": "BE68539007547034", "holder": "A", "bic": "GKCC" })),
            ["/bic bic"]
        );
        assert_eq!(complaints("paypal", json!({ "paypal_address": "no" })), ["/paypal_address email"]);
        assert_eq!(complaints("paypal", json!({ "iban": "x" })), ["/iban unexpected", "/paypal_address required"]);
        assert_eq!(complaints("voucher", json!({})), [""; 0]);
        assert_eq!(complaints("test", json!({ "account": "x" })), ["/account pattern"]);
        let paypal = Account::read(&body("paypal", json!({ "paypal_address": "Ana.P@example.org" })));
        assert_eq!(paypal.expect("good").masked(), "a***.org");
    }
}
