//! The yearly report of platform operators (Council Directive (EU) 2021/514, DAC7): what a seller was credited by
//! quarter, and the file in the OECD's format for digital platforms (DPI, elements as in its schema version 1.1). Amounts
//! in the file are whole units of the currency, as the schema asks.

use serde::{Deserialize, Serialize};

use super::ids::UserId;
use super::money::{Currency, Money};
use super::papers::{Platform, TaxPerson};
use super::time::At;

/// One quarter of one seller in one currency.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Quarter {
    /// Credited to the seller, less what was taken back.
    pub consideration: Money,
    /// Visits that were paid.
    pub activities: i64,
    /// What the platform kept beside it.
    pub fees: Money,
}

/// One year of one seller in one currency.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Figures {
    pub currency: Currency,
    /// Four.
    pub quarters: Vec<Quarter>,
}

impl Figures {
    pub fn empty(currency: Currency) -> Figures {
        let zero = Money::zero(currency);
        Figures { currency, quarters: vec![Quarter { consideration: zero, activities: 0, fees: zero }; 4] }
    }

    /// A quarter in which more was taken back than credited has no place in the format.
    pub fn is_reportable(&self) -> bool {
        self.quarters.iter().all(|q| q.consideration.minor >= 0 && q.fees.minor >= 0)
    }
}

pub struct Seller {
    pub id: UserId,
    pub person: TaxPerson,
    pub figures: Figures,
}

/// Whole units, rounded half up.
fn units(money: Money) -> i64 {
    let unit = 10_i64.pow(money.currency.exponent());
    (money.minor / unit) + i64::from(money.minor % unit * 2 >= unit)
}

/// Text as it stands between tags and quotes; characters that XML does not know become blanks.
fn text(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    for c in raw.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

struct Xml {
    out: String,
    depth: usize,
}

impl Xml {
    fn line(&mut self, line: &str) {
        self.out.push_str(&"  ".repeat(self.depth));
        self.out.push_str(line);
        self.out.push('\n');
    }

    fn within(&mut self, name: &str, attributes: &str, inner: impl FnOnce(&mut Xml)) {
        self.line(&format!("<{name}{attributes}>"));
        self.depth += 1;
        inner(self);
        self.depth -= 1;
        self.line(&format!("</{name}>"));
    }

    fn leaf(&mut self, name: &str, value: impl ToString) {
        self.with(name, "", value);
    }

    fn with(&mut self, name: &str, attributes: &str, value: impl ToString) {
        self.line(&format!("<{name}{attributes}>{}</{name}>", text(&value.to_string())));
    }

    fn maybe(&mut self, name: &str, value: Option<&String>) {
        if let Some(value) = value {
            self.leaf(name, value);
        }
    }

    fn document(&mut self, reference: &str) {
        self.within("dpi:DocSpec", "", |xml| {
            xml.leaf("stf:DocTypeIndic", "OECD1");
            xml.leaf("stf:DocRefId", reference);
        });
    }
}

/// The report of `year` made at `at`. Sellers are those whose profile is complete and whose figures are reportable.
pub fn xml(platform: &Platform, year: i16, at: At, sellers: &[Seller]) -> String {
    let country = &platform.country;
    let stamp: String = at.to_string().chars().filter(char::is_ascii_digit).take(14).collect();
    let message = format!("OP_{year}_{}_{stamp}", platform.tax_number);
    let mut xml = Xml { out: String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"), depth: 0 };
    let root = " xmlns:dpi=\"urn:oecd:ties:dpi\" xmlns:stf=\"urn:oecd:ties:dpistf\" version=\"1.0\"";
    let seconds: String = at.to_string().chars().take(19).collect();
    xml.within("dpi:DPI_OECD", root, |xml| {
        xml.within("dpi:MessageSpec", "", |xml| {
            xml.leaf("dpi:TransmittingCountry", country);
            xml.leaf("dpi:ReceivingCountry", country);
            xml.leaf("dpi:MessageType", "DPI");
            xml.leaf("dpi:MessageRefId", &message);
            // New information, or a report that there is none.
            xml.leaf("dpi:MessageTypeIndic", if sellers.is_empty() { "DPI403" } else { "DPI401" });
            xml.leaf("dpi:ReportingPeriod", format!("{year}-12-31"));
            xml.leaf("dpi:Timestamp", seconds);
        });
        xml.within("dpi:DPIBody", "", |xml| {
            xml.within("dpi:PlatformOperator", "", |xml| {
                xml.leaf("dpi:ResCountryCode", country);
                xml.with("dpi:TIN", &format!(" issuedBy=\"{}\"", text(country)), &platform.tax_number);
                xml.maybe("dpi:VAT", platform.vat_number.as_ref());
                xml.leaf("dpi:Name", &platform.name);
                xml.leaf("dpi:PlatformBusinessName", &platform.name);
                xml.within("dpi:Address", "", |xml| {
                    xml.leaf("dpi:CountryCode", country);
                    xml.leaf("dpi:AddressFree", &platform.address);
                });
                xml.leaf("dpi:Nexus", "RPONEX1");
                xml.leaf("dpi:AssumedReporting", "false");
                xml.document(&format!("{message}_operator"));
            });
            for seller in sellers {
                reportable(xml, seller, &message);
            }
        });
    });
    xml.out
}

fn reportable(xml: &mut Xml, seller: &Seller, message: &str) {
    let (person, quarters) = (&seller.person, &seller.figures.quarters);
    let currency = seller.figures.currency;
    let country = person.country.clone().unwrap_or_default();
    let money = format!(" currCode=\"{currency}\"");
    let amounts = |xml: &mut Xml, group: &str, name: &str, of: &dyn Fn(&Quarter) -> i64| {
        xml.within(&format!("dpi:{group}"), "", |xml| {
            for (n, quarter) in (1..).zip(quarters) {
                xml.with(&format!("dpi:{name}Q{n}"), &money, of(quarter));
            }
        });
    };
    xml.within("dpi:ReportableSeller", "", |xml| {
        xml.within("dpi:Identity", "", |xml| {
            xml.within("dpi:IndividualSeller", "", |xml| {
                xml.within("dpi:Standard", "", |xml| {
                    xml.within("dpi:IndSellerID", "", |xml| {
                        xml.leaf("dpi:ResCountryCode", &country);
                        let number = person.tax_number.clone().unwrap_or_default();
                        xml.with("dpi:TIN", &format!(" issuedBy=\"{}\"", text(&country)), number);
                        xml.maybe("dpi:VAT", person.vat_number.as_ref());
                        xml.within("dpi:Name", "", |xml| {
                            xml.maybe("dpi:FirstName", person.first_name.as_ref());
                            xml.maybe("dpi:LastName", person.last_name.as_ref());
                        });
                        xml.within("dpi:Address", "", |xml| {
                            xml.leaf("dpi:CountryCode", &country);
                            xml.within("dpi:AddressFix", "", |xml| {
                                xml.maybe("dpi:Street", person.street.as_ref());
                                xml.maybe("dpi:PostCode", person.postcode.as_ref());
                                xml.maybe("dpi:City", person.city.as_ref());
                            });
                        });
                        xml.within("dpi:BirthInfo", "", |xml| {
                            xml.maybe("dpi:BirthDate", person.birth_date.as_ref());
                        });
                    });
                });
            });
        });
        xml.within("dpi:RelevantActivities", "", |xml| {
            xml.within("dpi:PersonalServices", "", |xml| {
                amounts(xml, "Consideration", "Cons", &|q| units(q.consideration));
                xml.within("dpi:NumberOfActivities", "", |xml| {
                    for (n, quarter) in (1..).zip(quarters) {
                        xml.leaf(&format!("dpi:NumbQ{n}"), quarter.activities);
                    }
                });
                amounts(xml, "Fees", "Fees", &|q| units(q.fees));
                // The platform withholds no tax.
                amounts(xml, "Taxes", "Taxes", &|_| 0);
            });
        });
        xml.document(&format!("{message}_{}_{currency}", seller.id));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_whole_units_rounded_half_up() {
        let of = |minor| units(Money::new(minor, Currency::EUR));
        assert_eq!([of(0), of(49), of(50), of(149), of(150)], [0, 0, 1, 1, 2]);
        let yen = Currency::parse("JPY").expect("a currency");
        assert_eq!(units(Money::new(7, yen)), 7);
    }

    #[test]
    fn names_do_not_break_the_file() {
        assert_eq!(text("O'Neil & <Söhne>\u{0}"), "O'Neil &amp; &lt;Söhne&gt; ");
    }
}
