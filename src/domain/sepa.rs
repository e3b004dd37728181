//! Files for and from banks, as text: writes credit transfers (ISO 20022 pain.001.001.09) and reads what the bank answers
//! (pain.002, camt.054). The same batch always gives the same bytes. What a file says is only told here; `ops` matches it.

use std::fmt::Write as _;

use jiff::civil::Date;

use super::ids::{BatchId, PayoutId};
use super::money::Currency;
use super::time::At;

/// The account that transfers leave from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Debtor {
    pub name: String,
    pub iban: String,
    pub bic: Option<String>,
}

impl Debtor {
    /// Francs are paid inland only, where there is no SEPA.
    pub fn in_francs(&self) -> bool {
        matches!(self.iban.get(..2), Some("CH" | "LI"))
    }
}

/// Countries and territories of the SEPA schemes whose IBANs can be paid to in euro, by the first letters of the IBAN.
const SEPA: &[&str] = &[
    "AD", "AL", "AT", "BE", "BG", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "GI", "GR", "HR", "HU",
    "IE", "IS", "IT", "LI", "LT", "LU", "LV", "MC", "MD", "ME", "MK", "MT", "NL", "NO", "PL", "PT", "RO", "RS", "SE",
    "SI", "SK", "SM", "VA",
];

pub fn in_sepa(country: &str) -> bool {
    SEPA.contains(&country)
}

/// One payment of a file. No `Debug`: it holds an account in clear text.
#[derive(Clone)]
pub struct Transfer {
    pub payout: PayoutId,
    pub minor: i64,
    pub holder: String,
    pub iban: String,
    pub bic: Option<String>,
    pub street: Option<String>,
    pub building: Option<String>,
    pub postcode: Option<String>,
    pub town: Option<String>,
    pub country: Option<String>,
}

/// Everything that a file is made from.
#[derive(Clone)]
pub struct Order {
    /// Of the batch; becomes the message's id, which no other file has.
    pub batch: String,
    pub created: At,
    pub execution: Date,
    pub debtor: Debtor,
    pub currency: Currency,
    pub transfers: Vec<Transfer>,
}

/// An id of ours in the letters that banks take: `pay_..` becomes `pay-..`, 30 characters.
pub fn bank_id(id: &str) -> String {
    id.replace('_', "-")
}

/// The payout that an end-to-end id names; other text names none.
pub fn payout_of(end_to_end: &str) -> Option<PayoutId> {
    // Some banks write everything in capitals.
    PayoutId::parse(&end_to_end.trim().to_ascii_lowercase().replacen('-', "_", 1))
}

/// The batch that a message's id names.
pub fn batch_of(message: &str) -> Option<BatchId> {
    BatchId::parse(&message.trim().to_ascii_lowercase().replacen('-', "_", 1))
}

/// Text in the Latin letters, digits and signs that every bank of the scheme takes, at most `most` of them.
pub fn transliterate(text: &str, most: usize) -> String {
    let plain = deunicode::deunicode(text);
    let mut out = String::new();
    for c in plain.chars() {
        let c = match c {
            c if c.is_ascii_alphanumeric() || "/-?:().,'+ ".contains(c) => c,
            '&' => '+',
            '_' => '-',
            '"' => '\'',
            '[' | '{' => '(',
            ']' | '}' => ')',
            ';' => ',',
            _ => ' ',
        };
        // Neither two blanks nor two strokes in a row, nor one of them at the beginning.
        let again = matches!(c, ' ' | '/') && out.chars().last().is_none_or(|last| last == c);
        if !again {
            out.push(c);
        }
        if out.len() == most {
            break;
        }
    }
    out.trim_end_matches([' ', '/']).to_owned()
}

/// `12.30`: an amount as banks write it.
pub fn decimal(minor: i64, currency: Currency) -> String {
    let unit = 10_i64.pow(currency.exponent());
    match currency.exponent() {
        0 => minor.to_string(),
        digits => format!("{}.{:0width$}", minor / unit, minor % unit, width = digits as usize),
    }
}

/// Reads an amount exactly; `None` for one with more digits than the currency has, or too large.
pub fn read_decimal(text: &str, currency: Currency) -> Option<i64> {
    let (whole, part) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let digits = currency.exponent() as usize;
    let part = part.trim_end_matches('0');
    let plain = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || whole.len() > 15 || part.len() > digits || !plain(whole) || !plain(part) {
        return None;
    }
    format!("{whole}{part:0<digits$}").parse().ok()
}

/// The file. Nothing in it needs escaping: every text is transliterated first.
pub fn write(order: &Order) -> String {
    let total: i64 = order.transfers.iter().map(|t| t.minor).sum();
    let (count, sum) = (order.transfers.len(), decimal(total, order.currency));
    let message = bank_id(&order.batch);
    let created = order.created.timestamp().strftime("%Y-%m-%dT%H:%M:%SZ");
    let name = transliterate(&order.debtor.name, 70);
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let mut line = |depth: usize, text: &str| {
        let _ = writeln!(xml, "{:width$}{text}", "", width = depth * 2);
    };
    let tag = |name: &str, text: &str| format!("<{name}>{text}</{name}>");
    line(0, "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.001.001.09\">");
    line(1, "<CstmrCdtTrfInitn>");
    line(2, "<GrpHdr>");
    line(3, &tag("MsgId", &message));
    line(3, &tag("CreDtTm", &created.to_string()));
    line(3, &tag("NbOfTxs", &count.to_string()));
    line(3, &tag("CtrlSum", &sum));
    line(3, &tag("InitgPty", &tag("Nm", &name)));
    line(2, "</GrpHdr>");
    line(2, "<PmtInf>");
    line(3, &tag("PmtInfId", &message));
    line(3, &tag("PmtMtd", "TRF"));
    // Booked one by one, so that what the bank tells later names each.
    line(3, &tag("BtchBookg", "false"));
    line(3, &tag("NbOfTxs", &count.to_string()));
    line(3, &tag("CtrlSum", &sum));
    if order.currency == Currency::EUR {
        line(3, &tag("PmtTpInf", &tag("SvcLvl", &tag("Cd", "SEPA"))));
    }
    line(3, &tag("ReqdExctnDt", &tag("Dt", &order.execution.to_string())));
    line(3, &tag("Dbtr", &tag("Nm", &name)));
    line(3, &tag("DbtrAcct", &tag("Id", &tag("IBAN", &order.debtor.iban))));
    let agent = |bic: &Option<String>| match bic {
        Some(bic) => tag("FinInstnId", &tag("BICFI", bic)),
        None => tag("FinInstnId", &tag("Othr", &tag("Id", "NOTPROVIDED"))),
    };
    line(3, &tag("DbtrAgt", &agent(&order.debtor.bic)));
    if order.currency == Currency::EUR {
        line(3, &tag("ChrgBr", "SLEV"));
    }
    for transfer in &order.transfers {
        line(3, "<CdtTrfTxInf>");
        let id = bank_id(transfer.payout.as_str());
        line(4, &tag("PmtId", &format!("{}{}", tag("InstrId", &id), tag("EndToEndId", &id))));
        let amount = decimal(transfer.minor, order.currency);
        line(4, &tag("Amt", &format!("<InstdAmt Ccy=\"{}\">{amount}</InstdAmt>", order.currency)));
        if transfer.bic.is_some() {
            line(4, &tag("CdtrAgt", &agent(&transfer.bic)));
        }
        let holder = transliterate(&transfer.holder, 70);
        let holder = if holder.is_empty() { "NOTPROVIDED".to_owned() } else { holder };
        line(4, &tag("Cdtr", &format!("{}{}", tag("Nm", &holder), address(transfer))));
        line(4, &tag("CdtrAcct", &tag("Id", &tag("IBAN", &transfer.iban))));
        line(4, &tag("RmtInf", &tag("Ustrd", &format!("Missions {id}"))));
        line(3, "</CdtTrfTxInf>");
    }
    line(2, "</PmtInf>");
    line(1, "</CstmrCdtTrfInitn>");
    line(0, "</Document>");
    xml
}

/// Structured, and only when town and country are known: banks refuse less.
fn address(transfer: &Transfer) -> String {
    let (Some(town), Some(country)) = (&transfer.town, &transfer.country) else { return String::new() };
    if transliterate(town, 35).is_empty() {
        return String::new();
    }
    let mut text = String::from("<PstlAdr>");
    let parts = [
        ("StrtNm", transfer.street.as_deref(), 70),
        ("BldgNb", transfer.building.as_deref(), 16),
        ("PstCd", transfer.postcode.as_deref(), 16),
        ("TwnNm", Some(town.as_str()), 35),
    ];
    for (name, part, most) in parts {
        let part = transliterate(part.unwrap_or(""), most);
        if !part.is_empty() {
            let _ = write!(text, "<{name}>{part}</{name}>");
        }
    }
    let _ = write!(text, "<Ctry>{country}</Ctry></PstlAdr>");
    text
}

text_enum! {
    /// What a bank says of one order: `settled`, it left our account; `returned`, it came back; `rejected`, it was refused
    /// and nothing left; `file_rejected`, that of the whole file; `accepted`, more will follow; `other`, something else.
    Word {
        Settled = "settled", Returned = "returned", Rejected = "rejected", FileRejected = "file_rejected",
        Accepted = "accepted", Other = "other"
    }
}

text_enum! {
    /// What a line meant here: only `matched` moved a payout, or told that the bank has it; `known` was heard before; at
    /// the others a person looks: `other_account`, it is of an account that we do not pay from; `failed`, it could not be
    /// taken in.
    Fit {
        Matched = "matched", Known = "known", Unknown = "unknown", AmountDiffers = "amount_differs",
        Contradicts = "contradicts", OtherAccount = "other_account", Failed = "failed"
    }
}

/// One line of a file of a bank.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    pub word: Word,
    pub end_to_end: Option<String>,
    /// The bank's own.
    pub reference: Option<String>,
    /// The same, where it is of this transaction and not of the sum that it was booked in.
    pub item_reference: Option<String>,
    /// The bank's code, and its text where it gave one.
    pub reason: Option<String>,
    pub amount: Option<(i64, Currency)>,
    /// Of ours, where the whole file is meant.
    pub message: Option<String>,
    /// How many of that file, where the bank books a sum.
    pub count: Option<i64>,
    /// The IBAN that it is of. A status report need not name it.
    pub account: Option<String>,
}

impl Line {
    /// The bank refused it because it has it already: what it has goes on.
    pub fn duplicate(&self) -> bool {
        let code = self.reason.as_deref().and_then(|reason| reason.split(':').next());
        matches!(code, Some("AM05" | "DUPL" | "DU01" | "DU02" | "DU03" | "DU04" | "DU05"))
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BankFile {
    /// `pain.002` or `camt.054`.
    pub kind: &'static str,
    pub message_id: String,
    pub lines: Vec<Line>,
}

/// Text of a bank is kept to this length.
const TEXT_MAX: usize = 140;

fn child<'a, 'i>(node: roxmltree::Node<'a, 'i>, path: &[&str]) -> Option<roxmltree::Node<'a, 'i>> {
    path.iter().try_fold(node, |node, name| node.children().find(|c| c.tag_name().name() == *name))
}

fn text(node: roxmltree::Node<'_, '_>, path: &[&str]) -> Option<String> {
    let text = child(node, path)?.text()?.trim();
    let kept: String = text.chars().filter(|c| !c.is_control()).take(TEXT_MAX).collect();
    (!kept.is_empty()).then_some(kept)
}

fn named<'a, 'i: 'a>(
    node: roxmltree::Node<'a, 'i>,
    name: &'a str,
) -> impl Iterator<Item = roxmltree::Node<'a, 'i>> + 'a {
    node.children().filter(move |c| c.tag_name().name() == name)
}

fn amount(node: roxmltree::Node<'_, '_>, path: &[&str]) -> Option<(i64, Currency)> {
    let found = child(node, path)?;
    let currency = Currency::parse(found.attribute("Ccy")?)?;
    Some((read_decimal(found.text()?, currency)?, currency))
}

/// The bank's code and its words.
fn reason(node: roxmltree::Node<'_, '_>, info: &str) -> Option<String> {
    let info = child(node, &[info])?;
    let code = text(info, &["Rsn", "Cd"]).or_else(|| text(info, &["Rsn", "Prtry"]));
    let words: Vec<String> = [code, text(info, &["AddtlInf"])].into_iter().flatten().collect();
    (!words.is_empty()).then(|| words.join(": "))
}

/// Reads a file of a bank, of any version of the two kinds. The error is one sentence.
pub fn read(xml: &str) -> Result<BankFile, String> {
    let document = roxmltree::Document::parse(xml).map_err(|e| format!("It is not well-formed XML: {e}."))?;
    let root = document.root_element();
    if let Some(report) = child(root, &["CstmrPmtStsRpt"]) {
        return read_status(report);
    }
    if let Some(told) = child(root, &["BkToCstmrDbtCdtNtfctn"]) {
        return read_notice(told);
    }
    Err("It is neither a pain.002 (payment status report) nor a camt.054 (debit and credit notification).".to_owned())
}

fn message_id(node: roxmltree::Node<'_, '_>) -> Result<String, String> {
    text(node, &["GrpHdr", "MsgId"]).ok_or_else(|| "It has no message id.".to_owned())
}

fn read_status(report: roxmltree::Node<'_, '_>) -> Result<BankFile, String> {
    let mut lines = Vec::new();
    let group = child(report, &["OrgnlGrpInfAndSts"]).ok_or("It does not name the message that it answers.")?;
    let message = text(group, &["OrgnlMsgId"]);
    let refused_file = |node, status: &str| -> Option<Line> {
        (text(node, &[status]).as_deref() == Some("RJCT")).then(|| Line {
            word: Word::FileRejected,
            end_to_end: None,
            reference: None,
            item_reference: None,
            reason: reason(node, "StsRsnInf"),
            amount: None,
            message: message.clone(),
            count: None,
            account: None,
        })
    };
    lines.extend(refused_file(group, "GrpSts"));
    for part in named(report, "OrgnlPmtInfAndSts") {
        // One file has one part, so a part refused is the file refused.
        lines.extend(refused_file(part, "PmtInfSts"));
        for item in named(part, "TxInfAndSts") {
            let word = match text(item, &["TxSts"]).as_deref() {
                Some("RJCT") => Word::Rejected,
                Some(
                    "ACTC" | "ACCP" | "ACSP" | "ACSC" | "ACCC" | "ACWC" | "ACWP" | "PDNG" | "RCVD" | "PART" | "PATC",
                ) => Word::Accepted,
                // Cancelled, blocked, or of a list that grew: a person looks.
                _ => Word::Other,
            };
            lines.push(Line {
                word,
                end_to_end: text(item, &["OrgnlEndToEndId"]),
                reference: text(item, &["AcctSvcrRef"]),
                item_reference: text(item, &["AcctSvcrRef"]),
                reason: reason(item, "StsRsnInf"),
                amount: amount(item, &["OrgnlTxRef", "Amt", "InstdAmt"]),
                message: None,
                count: None,
                account: text(item, &["OrgnlTxRef", "DbtrAcct", "Id", "IBAN"]),
            });
        }
    }
    // Said of the file and of its part, it is one word.
    lines.dedup_by(|b, a| b.word == Word::FileRejected && a.word == Word::FileRejected);
    Ok(BankFile { kind: "pain.002", message_id: message_id(report)?, lines })
}

fn read_notice(told: roxmltree::Node<'_, '_>) -> Result<BankFile, String> {
    let mut lines = Vec::new();
    for (notice, entry) in named(told, "Ntfctn").flat_map(|notice| named(notice, "Ntry").map(move |e| (notice, e))) {
        let account = text(notice, &["Acct", "Id", "IBAN"]).or_else(|| text(notice, &["Acct", "Id", "Othr", "Id"]));
        let status = text(entry, &["Sts", "Cd"]).or_else(|| text(entry, &["Sts"]));
        let booked = status.as_deref() == Some("BOOK");
        let reversal = text(entry, &["RvslInd"]).as_deref() == Some("true");
        let reference = text(entry, &["AcctSvcrRef"]).or_else(|| text(entry, &["NtryRef"]));
        let side = text(entry, &["CdtDbtInd"]);
        let mut items: Vec<_> = named(entry, "NtryDtls").flat_map(|details| named(details, "TxDtls")).collect();
        let sums: Vec<_> = named(entry, "NtryDtls").filter_map(|details| child(details, &["Btch"])).collect();
        let alone = items.len() == 1 || (items.is_empty() && sums.len() == 1);
        if items.is_empty() {
            // A sum without its parts: it names our file, or fits nothing and is listed.
            items = if sums.is_empty() { vec![entry] } else { sums };
        }
        for item in items {
            let side = text(item, &["CdtDbtInd"]).or_else(|| side.clone());
            let back = child(item, &["RtrInf"]).is_some();
            let word = match side.as_deref() {
                _ if !booked => Word::Other,
                // Any other credit is somebody's payment to us.
                Some("CRDT") if back || reversal => Word::Returned,
                Some("DBIT") if !back && !reversal => Word::Settled,
                _ => Word::Other,
            };
            let sum = amount(item, &["Amt"])
                .or_else(|| amount(item, &["TtlAmt"]))
                .or_else(|| amount(item, &["AmtDtls", "TxAmt", "Amt"]))
                .or_else(|| amount(item, &["AmtDtls", "InstdAmt", "Amt"]))
                .or_else(|| if alone { amount(entry, &["Amt"]) } else { None });
            lines.push(Line {
                word,
                end_to_end: text(item, &["Refs", "EndToEndId"]),
                reference: text(item, &["Refs", "AcctSvcrRef"]).or_else(|| reference.clone()),
                item_reference: text(item, &["Refs", "AcctSvcrRef"]),
                reason: reason(item, "RtrInf"),
                amount: sum,
                message: text(item, &["PmtInfId"]).or_else(|| text(item, &["MsgId"])),
                count: text(item, &["NbOfTxs"]).and_then(|count| count.parse().ok()),
                account: account.clone(),
            });
        }
    }
    Ok(BankFile { kind: "camt.054", message_id: message_id(told)?, lines })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_in_the_letters_that_banks_take() {
        for (name, written) in [
            ("Zoë Müller-Çelik", "Zoe Muller-Celik"),
            ("Łukasz Żółć & Søn", "Lukasz Zolc + Son"),
            ("Straße <b>", "Strasse b"),
            ("Αθηνά", "Athena"),
            ("Иван Петров", "Ivan Petrov"),
            ("// a // b //", "a / b"),
            ("", ""),
        ] {
            let plain = transliterate(name, 70);
            assert!(plain.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-?:().,'+ ".contains(&b)), "{plain}");
            assert_eq!(plain, written, "{name}");
        }
        assert_eq!(transliterate(&"ß".repeat(50), 70).len(), 70);
    }

    #[test]
    fn amounts_are_read_exactly_or_not_at_all() {
        for (text, minor) in [("12.30", Some(1230)), ("12", Some(1200)), ("0.05", Some(5)), ("12.300", Some(1230))] {
            assert_eq!(read_decimal(text, Currency::EUR), minor, "{text}");
        }
        for text in ["12.305", "-1", "1e3", "", ".5", "1,5", "9999999999999999"] {
            assert_eq!(read_decimal(text, Currency::EUR), None, "{text}");
        }
        assert_eq!(decimal(5, Currency::EUR), "0.05");
        assert_eq!(decimal(123_456, Currency::CHF), "1234.56");
    }

    #[test]
    fn an_id_of_ours_is_read_back_from_the_bank() {
        let id = PayoutId::from_bits(u128::MAX / 3);
        let written = bank_id(id.as_str());
        assert!(written.len() <= 35 && written.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
        assert_eq!(payout_of(&written), Some(id));
        assert_eq!(payout_of("NOTPROVIDED"), None);
    }

    #[test]
    fn what_is_no_answer_of_a_bank_is_told() {
        for xml in ["", "<a/>", "<a", "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>"] {
            assert!(read(xml).is_err(), "{xml}");
        }
    }
}
