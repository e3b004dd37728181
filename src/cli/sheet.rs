//! The contact sheet of `fieldproof check`: one HTML file that shows the photos with what was found, and copies beside
//! what they were copied from. No script, nothing fetched; everything from a photo or a file name is escaped.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::checks::align::Alignment;
use crate::checks::pdq;
use crate::checks::report::{Beside, Checked};
use crate::checks::{Facts, Picture as Plane, Renditions};
use crate::domain::finding::{Language, Level, RULE_VERSION, plain};
use crate::domain::grade::{self, Grade, Letter, Reason};
use crate::eval::paint;
use crate::eval::report::escape;

const NAME_MAX_CHARS: usize = 120;
/// Quality of a picture that was turned to lie on another.
const TURNED_QUALITY: u8 = 80;

/// The small pictures of one photo and of the photos that it is like.
#[derive(Default)]
pub struct Picture {
    own: Option<Vec<u8>>,
    /// In the order of the photo's `beside`; turned to lie on `own`.
    others: Vec<Option<Vec<u8>>>,
}

impl Picture {
    /// `others`: each picture, and how the photo lies on it where that is known.
    pub fn new<'a>(
        own: Option<&Renditions>,
        others: impl Iterator<Item = (Option<Vec<u8>>, Option<&'a Alignment>)>,
    ) -> Picture {
        let own = own.map(|r| r.small.clone());
        let lay = |(other, laid): (Option<Vec<u8>>, Option<&Alignment>)| {
            let (own, other) = (own.as_deref()?, other?);
            laid.and_then(|laid| warped(own, &other, laid)).or_else(|| turned(own, &other))
        };
        let others = others.map(lay).collect();
        Picture { own, others }
    }
}

/// `other` as it looks from where `own` was taken.
fn warped(own: &[u8], other: &[u8], laid: &Alignment) -> Option<Vec<u8>> {
    let (own, other) = (paint::decode(own)?, paint::decode(other)?);
    let [from, to] = [&own, &other].map(|p| f64::from(p.width().max(p.height())));
    let [a, b, c, d, e, f, g, h, _] = laid.homography;
    // The mapping speaks of long sides.
    let map = [a * to / from, b * to / from, c * to, d * to / from, e * to / from, f * to, g / from, h / from];
    let seen = paint::warp(&other, own.width(), own.height(), &map, [40; 3]);
    Some(paint::jpeg(&seen, TURNED_QUALITY)).filter(|file| !file.is_empty())
}

/// `other` turned and mirrored as it lies best on `own`, by their hashes. As it is when that cannot be told.
fn turned(own: &[u8], other: &[u8]) -> Option<Vec<u8>> {
    let hash = |picture: &Plane| pdq::hash(picture).map(|prints| prints.symmetries[0]);
    let plane = |bytes: &[u8]| {
        let picture = paint::decode(bytes)?;
        Plane::new(picture.width(), picture.height(), 1, paint::luma(&picture).into_raw())
    };
    let (Some(aim), Some(luma), Some(colour)) = (plane(own).and_then(|p| hash(&p)), plane(other), paint::decode(other))
    else {
        return Some(other.to_vec());
    };
    let near = |orientation: &u8| hash(&luma.clone().upright(*orientation)).map_or(u32::MAX, |h| h.distance(&aim));
    match (1..=8_u8).min_by_key(near) {
        Some(orientation) if orientation > 1 => {
            Some(paint::jpeg(&paint::upright(&colour, orientation), TURNED_QUALITY)).filter(|file| !file.is_empty())
        }
        _ => Some(other.to_vec()),
    }
}

/// The words of the sheet itself.
struct Words {
    title: &'static str,
    photos: &'static str,
    to_look_at: &'static str,
    together: &'static str,
    no_picture: &'static str,
    like: &'static str,
    this: &'static str,
    other: &'static str,
    same_file: &'static str,
    bits: &'static str,
    agree: &'static str,
    blink: &'static str,
    clear: &'static str,
    facts: [&'static str; 6],
    levels: [&'static str; 3],
    letters: &'static str,
}

fn words(language: Language) -> Words {
    match language {
        Language::En => Words {
            title: "Photo check",
            photos: "photos",
            to_look_at: "to look at",
            together: "All together",
            no_picture: "no picture",
            like: "Looks like",
            this: "this photo",
            other: "the other, laid on it",
            same_file: "the same file",
            bits: "of 256 bits differ",
            agree: "tiles agree by",
            blink: "Blink: one over the other",
            clear: "Nothing was found.",
            facts: ["File", "Taken", "Camera", "Program", "Place", "Structure"],
            levels: ["info", "doubt", "fail"],
            letters: "What the letters mean",
        },
        Language::Fr => Words {
            title: "Contrôle de photos",
            photos: "photos",
            to_look_at: "à regarder",
            together: "Ensemble",
            no_picture: "pas d'image",
            like: "Ressemble à",
            this: "cette photo",
            other: "l'autre, posée dessus",
            same_file: "le même fichier",
            bits: "bits sur 256 diffèrent",
            agree: "concordance des carreaux",
            blink: "Clignoter : l'une sur l'autre",
            clear: "Rien n'a été constaté.",
            facts: ["Fichier", "Prise", "Appareil", "Logiciel", "Lieu", "Structure"],
            levels: ["info", "doute", "échec"],
            letters: "Ce que signifient les lettres",
        },
        Language::Nl => Words {
            title: "Fotocontrole",
            photos: "foto's",
            to_look_at: "te bekijken",
            together: "Samen",
            no_picture: "geen beeld",
            like: "Lijkt op",
            this: "deze foto",
            other: "de andere, eroverheen",
            same_file: "hetzelfde bestand",
            bits: "van 256 bits verschillen",
            agree: "overeenkomst van de vakken",
            blink: "Knipperen: de een over de ander",
            clear: "Er is niets gevonden.",
            facts: ["Bestand", "Gemaakt", "Camera", "Programma", "Plaats", "Structuur"],
            levels: ["info", "twijfel", "fout"],
            letters: "Wat de letters betekenen",
        },
    }
}

/// The whole page. `pictures` stand in the order of `photos`.
pub fn html(photos: &[Checked], pictures: &[Picture], together: Option<&Grade>, language: Language) -> String {
    let words = words(language);
    let asked = photos.iter().filter(|p| p.looked.worst() > Level::Info).count();
    let mut out = format!(
        "<!doctype html>\n<html lang=\"{}\"><head><meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width,initial-scale=1\"><meta name=\"robots\" content=\"noindex\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src \
         'unsafe-inline'\">\n<title>{}</title><style>{STYLE}</style></head><body>\n<header><h1>{}</h1><p>{} {}, {} {} \
         <small>{RULE_VERSION}, {}</small></p>",
        language.as_str(),
        words.title,
        words.title,
        photos.len(),
        words.photos,
        asked,
        words.to_look_at,
        grade::RULE_VERSION,
    );
    if let Some(grade) = together {
        out.push_str(&format!(
            "<div class=\"all\">{}<div><b>{}</b>{}</div></div>",
            badge(grade),
            words.together,
            sentences(&grade.reasons, language)
        ));
    }
    out.push_str("</header>\n<main>");
    let none = Picture::default();
    for (n, photo) in photos.iter().enumerate() {
        out.push_str(&card(n, photo, pictures.get(n).unwrap_or(&none), &words, language));
    }
    out.push_str(&format!("</main>\n<footer><h2>{}</h2><dl>", words.letters));
    for letter in Letter::ALL {
        out.push_str(&format!(
            "<dt><span class=\"badge {letter}\">{letter}</span></dt><dd>{}</dd>",
            escape(letter.meaning(language))
        ));
    }
    out.push_str("</dl></footer></body></html>\n");
    out
}

fn card(n: usize, photo: &Checked, picture: &Picture, words: &Words, language: Language) -> String {
    let name = escape(&plain(&photo.file, NAME_MAX_CHARS));
    let short = escape(&plain(last(&photo.file), NAME_MAX_CHARS));
    let shown = match &picture.own {
        Some(jpeg) => format!("<img src=\"{}\" alt=\"{name}\">", data(jpeg)),
        None => format!("<div class=\"none\">{}</div>", words.no_picture),
    };
    let mut out = format!(
        "\n<article class=\"{}\"><figure>{shown}</figure><div class=\"told\"><h2>{}<span title=\"{name}\">{short}</span></h2>",
        photo.grade.letter,
        badge(&photo.grade),
    );
    // Reasons that are findings stand below with what they measured.
    let own: Vec<Reason> = photo.grade.reasons.iter().copied().filter(|r| !matches!(r, Reason::Finding(_))).collect();
    out.push_str(&sentences(&own, language));
    out.push_str("<dl class=\"facts\">");
    for (label, value) in words.facts.iter().zip(facts(photo)) {
        if let Some(value) = value {
            out.push_str(&format!("<dt>{label}</dt><dd>{}</dd>", escape(&value)));
        }
    }
    out.push_str("</dl>");
    if photo.looked.findings.is_empty() {
        out.push_str(&format!("<p class=\"clear\">{}</p>", words.clear));
    } else {
        out.push_str("<ul>");
        let mut findings: Vec<_> = photo.looked.findings.iter().collect();
        findings.sort_by_key(|f| std::cmp::Reverse(f.level));
        for finding in findings {
            out.push_str(&format!(
                "<li class=\"{}\"><b>{}</b> {}<code>{}</code></li>",
                finding.level,
                words.levels[finding.level as usize],
                escape(&finding.sentence(language)),
                finding.code,
            ));
        }
        out.push_str("</ul>");
    }
    out.push_str("</div><div class=\"pairs\">");
    for (m, beside) in photo.beside.iter().enumerate() {
        let other = picture.others.get(m).and_then(Option::as_deref);
        out.push_str(&pair(&format!("p{n}-{m}"), beside, picture.own.as_deref(), other, words));
    }
    out.push_str("</div></article>");
    out
}

/// Two photos side by side, and one over the other when asked to blink.
fn pair(id: &str, beside: &Beside, own: Option<&[u8]>, other: Option<&[u8]>, words: &Words) -> String {
    let mut how = Vec::new();
    match (beside.exact, beside.bits) {
        (true, _) => how.push(words.same_file.to_owned()),
        (false, Some(bits)) => how.push(format!("{bits} {}", words.bits)),
        _ => {}
    }
    how.extend(beside.agreement.map(|agreement| format!("{} {agreement:.2}", words.agree)));
    how.extend(beside.means.map(|(code, _)| code.to_string()));
    let mut out = format!(
        "<section class=\"pair\"><h3>{} <span title=\"{}\">{}</span></h3><p>{}</p>",
        words.like,
        escape(&plain(&beside.file, NAME_MAX_CHARS)),
        escape(&plain(last(&beside.file), NAME_MAX_CHARS)),
        escape(&how.join(", "))
    );
    if let (Some(own), Some(other)) = (own, other) {
        let (own, other) = (data(own), data(other));
        out.push_str(&format!(
            "<input type=\"checkbox\" id=\"{id}\"><label for=\"{id}\">{}</label><div class=\"two\"><figure><div \
             class=\"over\"><img src=\"{own}\" alt=\"{}\"><img class=\"top\" src=\"{other}\" alt=\"\"></div><figcaption>{}\
             </figcaption></figure><figure><img src=\"{other}\" alt=\"{}\"><figcaption>{}</figcaption></figure></div>",
            words.blink, words.this, words.this, words.other, words.other
        ));
    }
    out.push_str("</section>");
    out
}

fn badge(grade: &Grade) -> String {
    format!("<span class=\"badge {0}\">{0}</span>", grade.letter)
}

fn sentences(reasons: &[Reason], language: Language) -> String {
    let sentences: Vec<String> = reasons.iter().map(|r| escape(&r.sentence(language))).collect();
    if sentences.is_empty() { String::new() } else { format!("<p class=\"why\">{}</p>", sentences.join(" ")) }
}

/// The name of a file without its folders.
fn last(file: &str) -> &str {
    file.rsplit(['/', '\\']).next().unwrap_or(file)
}

/// In the order of [`Words::facts`].
fn facts(photo: &Checked) -> [Option<String>; 6] {
    let facts: &Facts = &photo.looked.facts;
    let size = match (facts.width, facts.height) {
        (0, 0) => String::new(),
        (w, h) => format!(", {w} × {h}"),
    };
    let bytes = match facts.size_bytes {
        n if n >= 1_000_000 => format!("{:.1} MB", n as f64 / 1e6),
        n => format!("{} kB", n.div_ceil(1000)),
    };
    let taken = facts.taken_at.as_ref().map(|taken| {
        let offset = taken
            .offset_min
            .map(|m| format!(" {}{:02}:{:02}", if m < 0 { '-' } else { '+' }, m.abs() / 60, m.abs() % 60));
        format!("{}{}", taken.local.replace('T', " "), offset.unwrap_or_default())
    });
    let camera: Vec<&str> = [&facts.make, &facts.model].into_iter().flatten().map(String::as_str).collect();
    [
        Some(format!("{}{size}, {bytes}", facts.format.as_str())),
        taken,
        Some(camera.join(" ")).filter(|c| !c.is_empty()),
        facts.software.clone(),
        facts.point.map(|p| format!("{:.5}, {:.5}", p.lat(), p.lon())),
        photo.looked.pdq.map(|_| format!("{} / 100", photo.looked.pdq_quality)),
    ]
}

fn data(jpeg: &[u8]) -> String {
    format!("data:image/jpeg;base64,{}", STANDARD.encode(jpeg))
}

const STYLE: &str = "\
:root{color-scheme:light dark;--line:#8884;--soft:#8881;--a:#18793a;--b:#2f6f9f;--c:#a86400;--d:#b3261e}\
*{box-sizing:border-box}body{font:16px/1.45 system-ui,sans-serif;margin:0 auto;max-width:78rem;padding:1rem}\
h1{font-size:1.4rem;margin:0}header p{margin:.2rem 0 .8rem}small{color:GrayText}\
.all{display:flex;gap:.8rem;align-items:center;padding:.7rem;border:1px solid var(--line);border-radius:8px;margin-bottom:1rem}\
.all .badge{font-size:1.6rem}.badge{display:inline-block;min-width:1.7em;text-align:center;font-weight:700;color:#fff;border-radius:6px;padding:.05em .35em;flex:none}\
.badge.A{background:var(--a)}.badge.B{background:var(--b)}.badge.C{background:var(--c)}.badge.D{background:var(--d)}\
main{display:grid;gap:1rem}article{display:grid;grid-template-columns:minmax(0,320px) minmax(0,1fr);gap:1rem;padding:1rem;border:1px solid var(--line);border-left:5px solid var(--b);border-radius:8px;break-inside:avoid}\
article.A{border-left-color:var(--a)}article.C{border-left-color:var(--c)}article.D{border-left-color:var(--d)}\
figure{margin:0}img{display:block;max-width:100%;height:auto;border-radius:4px}\
.none{display:grid;place-items:center;aspect-ratio:4/3;background:var(--soft);border:1px dashed var(--line);border-radius:4px;color:GrayText}\
h2{font-size:1.05rem;margin:0 0 .35rem;display:flex;gap:.6rem;align-items:center}h2 span:last-child,h3 span{overflow-wrap:anywhere}\
.why{margin:.35rem 0 .7rem}.facts{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.1rem .8rem;margin:0 0 .7rem;font-size:.92rem}\
dt{color:GrayText}dd{margin:0;overflow-wrap:anywhere}ul{list-style:none;margin:0;padding:0;display:grid;gap:.45rem}\
li{padding:.35rem .6rem;border-left:4px solid var(--line);background:var(--soft);border-radius:0 4px 4px 0}\
li.doubt{border-color:var(--c)}li.fail{border-color:var(--d)}li b{text-transform:uppercase;font-size:.78rem;letter-spacing:.04em;margin-right:.3rem}\
li.doubt b{color:var(--c)}li.fail b{color:var(--d)}code{font-size:.78rem;color:GrayText;margin-left:.4rem;overflow-wrap:anywhere}\
.clear{color:var(--a);margin:0}.pairs{grid-column:1/-1;display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,30rem),1fr));gap:1rem}.pairs:empty{display:none}.pair{border-top:1px solid var(--line);padding-top:.8rem}\
h3{font-size:1rem;margin:0}.pair p{margin:.1rem 0 .5rem;color:GrayText}.pair input{margin:0 .4rem 0 0;accent-color:var(--b);width:1.1rem;height:1.1rem;vertical-align:-.15rem}\
.two{display:grid;grid-template-columns:repeat(2,minmax(0,320px));gap:.6rem;margin-top:.6rem}figcaption{font-size:.85rem;color:GrayText}\
.over{position:relative}.over .top{position:absolute;inset:0;width:100%;height:100%;opacity:0}\
input:checked~.two .top{animation:blink 1.4s steps(1) infinite}@keyframes blink{50%{opacity:1}}\
@media(prefers-reduced-motion:reduce){input:checked~.two .top{animation:none;opacity:1}}\
footer{margin-top:2rem;font-size:.92rem}footer h2{font-size:1rem}footer dl{display:grid;grid-template-columns:max-content 1fr;gap:.4rem .8rem}\
@media(max-width:640px){article{grid-template-columns:1fr;padding:.8rem}}\
@media(prefers-color-scheme:dark){:root{--a:#3fa15f;--b:#5b9bd0;--c:#e0a03c;--d:#ef6c62}.badge{color:#111}}\
@media print{.pair input,.pair label{display:none}}";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::{Budget, Shot, look};
    use crate::domain::grade::Proof;

    #[test]
    fn names_and_camera_text_are_escaped_and_nothing_is_fetched() {
        let mut looked = look(b"<html>", &Shot::default(), &Budget::default());
        looked.facts.make = Some("<img src=x onerror=alert(1)>".into());
        let grade = grade::photo(&looked.findings, &Proof::default());
        let beside =
            Beside { file: "\"><b>.jpg".into(), exact: false, bits: Some(3), agreement: Some(0.9), means: None };
        let photo = Checked { file: "a\"<script>.jpg".into(), looked, grade, beside: vec![beside] };
        for language in [Language::En, Language::Fr, Language::Nl] {
            let page = html(std::slice::from_ref(&photo), &[], None, language);
            assert!(
                !page.contains("<script") && !page.contains("<img src=x") && !page.contains("\"><b>.jpg"),
                "{page}"
            );
            assert!(page.contains("a&quot;&lt;script&gt;.jpg") && page.contains("FORMAT_UNSUPPORTED"));
            assert!(!page.contains("http://") && !page.contains("https://"));
        }
    }

    #[test]
    fn a_turned_copy_is_turned_back() {
        let picture = image::RgbImage::from_fn(320, 240, |x, y| {
            image::Rgb([((x * x / 90 + y) % 256) as u8, ((x / 9 * 31 + y / 7 * 17) % 256) as u8, (y % 200) as u8])
        });
        let on_its_side = paint::upright(&picture, 6);
        let back = turned(&paint::jpeg(&picture, 90), &paint::jpeg(&on_its_side, 90)).expect("turned");
        let back = paint::decode(&back).expect("a picture");
        assert_eq!(back.dimensions(), (320, 240));
        let off: u64 = back.iter().zip(picture.iter()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        assert!(off / (320 * 240 * 3) < 30, "{off}");
    }
}
