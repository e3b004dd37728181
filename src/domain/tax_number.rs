//! Is this text a tax number of that country? Length, letters and check digits as the countries publish them (the
//! European Commission's and the OECD's sheets on tax identification numbers); where a country has no check that always
//! holds, the shape alone; for other countries, that there is one. No number is looked up anywhere.

/// Upper case without blanks, dots, dashes and slashes.
pub fn normal(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && !".-/".contains(*c)).flat_map(char::to_uppercase).collect()
}

/// `number` as `normal` gives it; `country` is an ISO 3166 code.
pub fn is_valid(country: &str, number: &str) -> bool {
    if !(2..=30).contains(&number.len()) || !number.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+') {
        return false;
    }
    let digits = digits(number);
    let all = digits.as_deref();
    match country {
        // Austria: Steuernummer, nine digits; every second digit doubled and its digits added, to the next ten.
        "AT" => all.is_some_and(|d| d.len() == 9 && (100 - doubled(&d[..8], 1)) % 10 == d[8]),
        // Belgium: national number; the last two are 97 minus the rest modulo 97, with a 2 before it from 2000 on.
        "BE" => all.is_some_and(|d| {
            let n = value(&d[..d.len().min(9)]);
            d.len() == 11 && [n, n + 2_000_000_000].iter().any(|n| 97 - n % 97 == value(&d[9..]))
        }),
        // Bulgaria: EGN; weights 2 4 8 5 10 9 7 3 6 modulo 11, 10 counts as 0.
        "BG" => weighed(all, &[2, 4, 8, 5, 10, 9, 7, 3, 6], |sum| sum % 11 % 10),
        // Switzerland: AHV/AVS number, 756 and ten digits; check digit of EAN-13.
        "CH" => all.is_some_and(|d| d.starts_with(&[7, 5, 6])) && weighed(all, &EAN_13, |sum| (10 - sum % 10) % 10),
        // Cyprus: eight digits and a letter; at odd places the digits stand for other numbers, modulo 26.
        "CY" => number.split_at_checked(8).is_some_and(|(head, letter)| {
            let of = |(place, d): (usize, u64)| {
                if place % 2 == 0 { [1, 0, 5, 7, 9, 13, 15, 17, 19, 21][d as usize] } else { d }
            };
            let sum = self::digits(head).map(|d| d.into_iter().enumerate().map(of).sum::<u64>());
            sum.is_some_and(|sum| letter.as_bytes() == [b'A' + (sum % 26) as u8])
        }),
        // Czechia: birth number, nine digits (before 1954, without a check) or ten.
        "CZ" => all.is_some_and(|d| d.len() == 9 || d.len() == 10),
        // Germany: identification number; no 0 first, one digit of ten stands twice or three times, ISO 7064 mod 11, 10.
        "DE" => all.is_some_and(|d| {
            let often: Vec<usize> = (0..10).map(|n| d.iter().take(10).filter(|x| **x == n).count()).collect();
            let repeated = often.iter().filter(|n| **n > 1).count() == 1 && often.iter().all(|n| *n <= 3);
            d.len() == 11 && d[0] != 0 && repeated && mod_11_10(d)
        }),
        // Denmark: CPR number; it begins with a date, its check is no longer kept since 2007.
        "DK" => all.is_some_and(|d| d.len() == 10 && is_day(value(&d[..2])) && is_month(value(&d[2..4]))),
        // Estonia and Lithuania: personal code; weights 1 2 .. 9 1 modulo 11, in case of 10 weights 3 .. 9 1 2 3.
        "EE" | "LT" => all.is_some_and(|d| {
            let check = |weights: &[u64]| sum(d, weights) % 11;
            let first = check(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 1]);
            let last = if first < 10 { first } else { check(&[3, 4, 5, 6, 7, 8, 9, 1, 2, 3]) % 10 };
            d.len() == 11 && d[10] == last
        }),
        // Spain: DNI (eight digits), NIE (X, Y or Z and seven) or K, L, M and seven; the letter hangs on modulo 23.
        "ES" => spanish(number),
        // Finland: HETU; a date, a sign or letter for the century, three digits; the check letter hangs on modulo 31.
        "FI" => finnish(number),
        // France: numero fiscal (SPI), thirteen digits from 0 to 3; the last three are the first ten modulo 511.
        "FR" => all.is_some_and(|d| d.len() == 13 && d[0] <= 3 && value(&d[..10]) % 511 == value(&d[10..])),
        // United Kingdom: UTR (its first digit checks the others, modulo 11) or National Insurance number (shape).
        "GB" => {
            all.is_some_and(|d| {
                d.len() == 10
                    && [2, 1, 9, 8, 7, 6, 5, 4, 3, 2, 1][(sum(&d[1..], &[6, 7, 8, 9, 10, 5, 4, 3, 2]) % 11) as usize]
                        == d[0]
            }) || national_insurance(number)
        }
        // Greece: AFM; powers of two from 256 down to 2, modulo 11 modulo 10.
        "GR" => weighed(all, &[256, 128, 64, 32, 16, 8, 4, 2], |sum| sum % 11 % 10),
        // Croatia: OIB; ISO 7064 mod 11, 10.
        "HR" => all.is_some_and(|d| d.len() == 11 && mod_11_10(d)),
        // Hungary: ten digits from 8 on; weights 1 to 9 modulo 11.
        "HU" => all.is_some_and(|d| d[0] == 8) && weighed(all, &[1, 2, 3, 4, 5, 6, 7, 8, 9], |sum| sum % 11),
        // Ireland: PPS number; weights 8 to 2, nine for a second letter, modulo 23.
        "IE" => irish(number),
        // Italy: codice fiscale; letters and digits at odd places stand for other numbers, modulo 26.
        "IT" => italian(number),
        // Luxembourg: thirteen digits; the twelfth after Luhn, the thirteenth after Verhoeff, both over the first eleven.
        "LU" => all.is_some_and(|d| d.len() == 13 && luhn(&d[..12]) && verhoeff(&d[..11], d[12])),
        // Latvia: personal code of eleven digits; those given since 2017 have no check.
        "LV" => all.is_some_and(|d| d.len() == 11),
        // Malta: up to seven digits and a letter, or nine digits; no check is published.
        "MT" => {
            all.is_some_and(|d| d.len() == 9)
                || number.len() <= 8
                    && number
                        .split_at_checked(number.len() - 1)
                        .is_some_and(|(head, letter)| self::digits(head).is_some() && "MGAPLHBZ".contains(letter))
        }
        // Netherlands: BSN, nine digits; weights 9 to 2 and minus 1 give a multiple of 11.
        "NL" => all.is_some_and(|d| {
            d.len() == 9 && (sum(d, &[9, 8, 7, 6, 5, 4, 3, 2]) + 11 - d[8]).is_multiple_of(11) && value(d) > 0
        }),
        // Poland: PESEL (weights 1 3 7 9, modulo 10) or NIP (6 5 7 2 3 4 5 6 7 modulo 11).
        "PL" => {
            weighed(all, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3], |sum| (10 - sum % 10) % 10)
                || weighed(all, &[6, 5, 7, 2, 3, 4, 5, 6, 7], |sum| sum % 11)
        }
        // Portugal: NIF; weights 9 to 2, 11 minus the sum modulo 11, 10 and 11 count as 0.
        "PT" => weighed(all, &[9, 8, 7, 6, 5, 4, 3, 2], |sum| (11 - sum % 11) % 11 % 10),
        // Romania: CNP; weights 2 7 9 1 4 6 3 5 8 2 7 9 modulo 11, 10 counts as 1.
        "RO" => weighed(all, &[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9], |sum| if sum % 11 == 10 { 1 } else { sum % 11 }),
        // Sweden: personnummer, ten or twelve digits; Luhn over the last ten. A plus stands for a hundred years of age.
        "SE" => self::digits(&number.replace('+', ""))
            .is_some_and(|d| matches!(d.len(), 10 | 12) && luhn(&d[d.len() - 10..])),
        // Slovenia: eight digits, no 0 first; weights 8 to 2, 11 minus the sum modulo 11, 10 counts as 0.
        "SI" => {
            all.is_some_and(|d| d[0] != 0)
                && weighed(all, &[8, 7, 6, 5, 4, 3, 2], |sum| if sum % 11 == 1 { 0 } else { 11 - sum % 11 })
        }
        // Slovakia: DIC or birth number, nine or ten digits.
        "SK" => all.is_some_and(|d| d.len() == 9 || d.len() == 10),
        _ => true,
    }
}

const EAN_13: [u64; 12] = [1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3];

fn digits(text: &str) -> Option<Vec<u64>> {
    let all: Option<Vec<u64>> = text.chars().map(|c| c.to_digit(10).map(u64::from)).collect();
    all.filter(|d| !d.is_empty())
}

/// At most 13 digits come here.
fn value(digits: &[u64]) -> u64 {
    digits.iter().fold(0, |n, d| n * 10 + d)
}

fn sum(digits: &[u64], weights: &[u64]) -> u64 {
    digits.iter().zip(weights).map(|(d, w)| d * w).sum()
}

/// One digit after those that are weighed, and it is what `check` makes of their sum.
fn weighed(digits: Option<&[u64]>, weights: &[u64], check: impl Fn(u64) -> u64) -> bool {
    digits.is_some_and(|d| d.len() == weights.len() + 1 && check(sum(d, weights)) == d[weights.len()])
}

/// Every second digit from `first` on counts double, with its own digits added.
fn doubled(digits: &[u64], first: usize) -> u64 {
    let of = |(place, d): (usize, &u64)| if place % 2 == first { d * 2 / 10 + d * 2 % 10 } else { *d };
    digits.iter().enumerate().map(of).sum()
}

fn luhn(digits: &[u64]) -> bool {
    doubled(digits, digits.len() % 2).is_multiple_of(10)
}

fn mod_11_10(digits: &[u64]) -> bool {
    let (last, head) = digits.split_last().expect("never empty");
    let product = head.iter().fold(10, |product, d| {
        let sum = (d + product) % 10;
        2 * if sum == 0 { 10 } else { sum } % 11
    });
    (11 - product) % 10 == *last
}

/// The dihedral group of order ten, as in Verhoeff's thesis.
fn verhoeff(digits: &[u64], check: u64) -> bool {
    const PERMUTED: [u64; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let times = |a: u64, b: u64| match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => (a + b - 5) % 5 + 5,
        (false, true) => (a + 5 - b) % 5 + 5,
        (false, false) => (a + 5 - b) % 5,
    };
    let turned = |d: u64, times: usize| (0..times % 8).fold(d, |d, _| PERMUTED[d as usize]);
    let all = std::iter::once(check).chain(digits.iter().rev().copied()).enumerate();
    all.fold(0, |state, (place, d)| times(state, turned(d, place))) == 0
}

fn is_day(n: u64) -> bool {
    (1..=31).contains(&n)
}

fn is_month(n: u64) -> bool {
    (1..=12).contains(&n)
}

fn spanish(number: &str) -> bool {
    let Some((head, letter)) = number.split_at_checked(8).filter(|_| number.len() == 9) else { return false };
    let (first, rest) = head.split_at(1);
    let text = match first {
        "X" | "K" | "L" | "M" => format!("0{rest}"),
        "Y" => format!("1{rest}"),
        "Z" => format!("2{rest}"),
        _ => head.to_owned(),
    };
    digits(&text)
        .is_some_and(|d| "TRWAGMYFPDXBNJZSQVHLCKE".as_bytes()[(value(&d) % 23) as usize] == letter.as_bytes()[0])
}

/// The dash between date and number is gone.
fn finnish(number: &str) -> bool {
    let bytes = number.as_bytes();
    // With a dash of the 1900s ten characters are left, with a sign or letter of the century eleven.
    let (date, rest) = match bytes.len() {
        10 => bytes.split_at(6),
        11 if b"+ABCDEFUVWXY".contains(&bytes[6]) => (&bytes[..6], &bytes[7..]),
        _ => return false,
    };
    let text: String = date.iter().chain(&rest[..3]).map(|b| char::from(*b)).collect();
    digits(&text).is_some_and(|d| {
        is_day(value(&d[..2]))
            && is_month(value(&d[2..4]))
            && b"0123456789ABCDEFHJKLMNPRSTUVWXY"[(value(&d) % 31) as usize] == rest[3]
    })
}

fn national_insurance(number: &str) -> bool {
    let bytes = number.as_bytes();
    bytes.len() == 9
        && bytes[..2].iter().all(|b| b.is_ascii_uppercase() && !b"DFIQUV".contains(b))
        && bytes[1] != b'O'
        && bytes[2..8].iter().all(u8::is_ascii_digit)
        && (b'A'..=b'D').contains(&bytes[8])
}

fn irish(number: &str) -> bool {
    let Some((head, letters)) = number.split_at_checked(7).filter(|(_, l)| matches!(l.len(), 1 | 2)) else {
        return false;
    };
    let letter = |b: u8| b.is_ascii_uppercase().then(|| u64::from(b - b'A' + 1));
    let second = match letters.as_bytes().get(1) {
        None | Some(b'W') => Some(0),
        Some(b) => letter(*b).filter(|n| *n <= 9),
    };
    let (Some(d), Some(second)) = (digits(head), second) else { return false };
    let check = (sum(&d, &[8, 7, 6, 5, 4, 3, 2]) + 9 * second) % 23;
    b"WABCDEFGHIJKLMNOPQRSTUV"[check as usize] == letters.as_bytes()[0]
}

fn italian(number: &str) -> bool {
    const ODD: [u64; 26] =
        [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
    let bytes = number.as_bytes();
    // Digits may be written as letters where two people would have the same number.
    let digit = |b: u8| b.is_ascii_digit() || b"LMNPQRSTUV".contains(&b);
    let shape = |(place, b): (usize, &u8)| match place {
        0..=5 | 15 => b.is_ascii_uppercase(),
        8 => b"ABCDEHLMPRST".contains(b),
        11 => b.is_ascii_uppercase(),
        _ => digit(*b),
    };
    if bytes.len() != 16 || !bytes.iter().enumerate().all(shape) {
        return false;
    }
    let of = |(place, b): (usize, &u8)| {
        let n = u64::from(if b.is_ascii_digit() { b - b'0' } else { b - b'A' });
        if place % 2 == 0 { ODD[n as usize] } else { n }
    };
    bytes[15] == b'A' + (bytes[..15].iter().enumerate().map(of).sum::<u64>() % 26) as u8
}

/// The two letters that begin a VAT number of the country.
fn vat_prefix(country: &str) -> &str {
    match country {
        "GR" => "EL",
        "CH" => "CHE",
        other => other,
    }
}

/// The country's letters and 2 to 12 letters and digits, as `normal` gives it; whether it is registered is not looked up.
pub fn is_vat_number(country: &str, number: &str) -> bool {
    number.strip_prefix(vat_prefix(country)).is_some_and(|rest| {
        (2..=12).contains(&rest.len())
            && rest.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase() || b == b'+')
    })
}

/// What the owner recognises and nobody can use: the last characters.
pub fn masked(number: &str) -> String {
    let all = number.chars().count();
    let shown = if all > 7 { 4 } else { all.min(2) };
    number.chars().enumerate().map(|(n, c)| if n + shown < all { '*' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One number each that is published as an example or made by the rule.
    const GOOD: &[(&str, &str)] = &[
        ("AT", "59-119/9013"),
        ("BE", "85.07.30-033 28"),
        ("BE", "17 07 30 033 84"),
        ("BG", "752316 926 3"),
        ("CH", "756.9217.0769.85"),
        ("CY", "00123123T"),
        ("DE", "36 574 261 809"),
        ("DK", "211062-5629"),
        ("EE", "36805280109"),
        ("ES", "54362315K"),
        ("ES", "X-2482300W"),
        ("FI", "131052-308T"),
        ("FI", "131052A308T"),
        ("FR", "30 23 217 600 053"),
        ("GB", "1955839661"),
        ("GB", "AB 12 34 56 C"),
        ("GR", "023456780"),
        ("HR", "33392005961"),
        ("HU", "8071592153"),
        ("IE", "6433435F"),
        ("IE", "6433435OA"),
        ("IT", "RCCMNL83S18D969H"),
        ("LT", "33309240064"),
        ("LU", "1893120105732"),
        ("LV", "161175-19997"),
        ("MT", "1234567A"),
        ("NL", "1112.22.333"),
        ("PL", "44051401359"),
        ("PL", "8567346215"),
        ("PT", "501 964 843"),
        ("RO", "1630615123457"),
        ("SE", "880320-0016"),
        ("SI", "15012557"),
        ("US", "any text"),
    ];

    #[test]
    fn a_good_number_is_taken_and_one_with_another_last_character_is_not() {
        let unchecked = ["CZ", "DK", "LV", "MT", "SK", "US"];
        for (country, number) in GOOD {
            let number = normal(number);
            assert!(is_valid(country, &number), "{country} {number}");
            if unchecked.contains(country) || number == "AB123456C" {
                continue;
            }
            let (head, last) = number.split_at(number.len() - 1);
            let others = if last.as_bytes()[0].is_ascii_digit() { '0'..='9' } else { 'A'..='Z' };
            // The second letter of an Irish number, and the first digit of a British one, are weighed themselves.
            let taken = others.filter(|c| is_valid(country, &format!("{head}{c}"))).count();
            assert!(
                taken == 1 || matches!(*country, "IE" | "GB") && taken <= 2,
                "{country} {number}: {taken} last characters are taken"
            );
        }
    }

    /// Numbers made at random and judged by another program (python-stdnum).
    #[test]
    fn another_program_judges_the_same() {
        let mut wrong = Vec::new();
        for line in include_str!("../../tests/fixtures/tax-numbers.csv").lines().skip(1) {
            let parts: Vec<&str> = line.split(',').collect();
            if is_valid(parts[0], &normal(parts[1])).to_string() != parts[2] {
                wrong.push(line);
            }
        }
        assert!(wrong.is_empty(), "{wrong:?}");
    }

    #[test]
    fn any_text_is_judged_without_a_panic() {
        let texts = [
            "",
            "0",
            "A",
            "é",
            "00",
            "X",
            "+++",
            "000000000",
            "99999999999",
            "ÄÖÜÄÖÜÄÖÜ",
            "1234567ÄÄ",
            "AAAAAAAAAAAAAAAA",
        ];
        let long = "9".repeat(30);
        for (country, _) in GOOD {
            for text in texts.iter().copied().chain([long.as_str()]) {
                is_valid(country, &normal(text));
                is_vat_number(country, &normal(text));
                masked(text);
            }
        }
    }

    #[test]
    fn a_vat_number_begins_with_its_country_and_a_mask_keeps_the_end() {
        assert!(is_vat_number("FR", &normal("FR 40 303 265 045")) && is_vat_number("GR", "EL123456789"));
        assert!(!is_vat_number("FR", "BE0411905847") && !is_vat_number("FR", "FR"));
        assert_eq!(masked("3023217600053"), "*********0053");
        assert_eq!(masked("12345"), "***45");
    }
}
