//! The file for the bank is what it was, to the byte. `tests/pain001` holds it against the official schema.

use fieldproof::domain::ids::PayoutId;
use fieldproof::domain::money::Currency;
use fieldproof::domain::sepa::{Debtor, Order, Transfer, write};
use fieldproof::domain::time::At;

use crate::support::snapshot::assert_snapshot;

fn order(currency: Currency) -> Order {
    let transfer = |n: u128, minor: i64, holder: &str, iban: &str| Transfer {
        payout: PayoutId::from_bits(n),
        minor,
        holder: holder.to_owned(),
        iban: iban.to_owned(),
        bic: None,
        street: None,
        building: None,
        postcode: None,
        town: None,
        country: None,
    };
    let full = Transfer {
        bic: Some("GKCCBEBB".to_owned()),
        street: Some("Chaussée d'Alsemberg".to_owned()),
        building: Some("12 bis".to_owned()),
        postcode: Some("1180".to_owned()),
        town: Some("Uccle / Ukkel".to_owned()),
        country: Some("BE".to_owned()),
        ..transfer(1, 1234, "Zoë van der Müller & Søn", "BE68539007547034")
    };
    let long = "Αθηνά Παπαδοπούλου".repeat(8);
    let transfers = match currency == Currency::EUR {
        true => vec![
            full,
            transfer(2, 5, "<script>\"x\"</script>", "FR1420041010050500013M02606"),
            transfer(3, 100_000, &long, "GR1601101250000000012300695"),
        ],
        false => vec![transfer(4, 1200, "Jürg Müller", "CH9300762011623852957")],
    };
    Order {
        batch: "pbt_00000000000000000000000007".to_owned(),
        created: At::parse("2026-03-10T09:00:00.123456Z").unwrap(),
        execution: jiff::civil::date(2026, 3, 10),
        debtor: Debtor { name: "Fieldproof Démo SA".to_owned(), iban: "BE71096123456769".to_owned(), bic: None },
        currency,
        transfers,
    }
}

#[test]
fn the_file_for_the_bank_is_what_it_was() {
    for (currency, name) in [(Currency::EUR, "pain.001.eur.xml"), (Currency::CHF, "pain.001.chf.xml")] {
        let file = write(&order(currency));
        assert_eq!(file, write(&order(currency)));
        assert!(file.is_ascii());
        assert_snapshot(name, &file);
    }
}
