//! `fieldproof check`: what the server would say about a photo.

use serde_json::Value;

use super::{Desk, fixture};

/// Each fixture and whether it needs a second look: two cannot be read, one was saved by an editor, one is an
/// even gradient.
const PHOTOS: &[(&str, bool)] = &[
    ("broken_cut_2099.jpg", true),
    ("broken_exif.jpg", false),
    ("broken_no_picture.jpg", true),
    ("c2pa_broken.jpg", false),
    ("c2pa_valid.jpg", true),
    ("landscape_1.jpg", true),
    ("landscape_2.jpg", false),
    ("landscape_3.jpg", false),
    ("landscape_4.jpg", false),
    ("landscape_5.jpg", false),
    ("landscape_6.jpg", false),
    ("landscape_7.jpg", false),
    ("landscape_8.jpg", false),
    ("no_exif.jpg", false),
    ("null_island.jpg", false),
    ("phone.heic", false),
    ("shelf.jpg", false),
    ("tag.jpg", false),
];

#[test]
fn every_fixture_is_judged_and_the_list_is_complete() {
    let folder = std::fs::read_dir(fixture("photos")).unwrap();
    let mut there: Vec<String> = folder.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    there.retain(|name| !name.ends_with(".md"));
    there.sort();
    assert_eq!(there, PHOTOS.iter().map(|(name, _)| *name).collect::<Vec<_>>());

    let desk = Desk::new();
    let mut wrong = Vec::new();
    for (name, doubtful) in PHOTOS {
        let path = fixture("photos").join(name);
        let ran = desk.run(&["check", path.to_str().unwrap()]);
        assert!(ran.out.contains(name), "{}{}", ran.out, ran.err);
        if ran.code != Some(i32::from(*doubtful)) {
            wrong.push(format!("{name}: exit {:?}\n{}{}", ran.code, ran.out, ran.err));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_program_reads_the_judgement_as_json() {
    let desk = Desk::new();
    let (shelf, cut) = (fixture("photos/shelf.jpg"), fixture("photos/broken_cut_2099.jpg"));
    let ran = desk.run(&["check", "--json", shelf.to_str().unwrap(), cut.to_str().unwrap()]);
    assert_eq!(ran.code, Some(1), "one of them needs a second look");
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    assert!(told.to_string().contains("shelf.jpg") && told.to_string().contains("broken_cut_2099.jpg"), "{told}");
}

#[test]
fn a_file_that_is_not_there_is_told_in_one_sentence() {
    let ran = Desk::new().run(&["check", "/nowhere/photo.jpg"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.starts_with("/nowhere/photo.jpg cannot be read") && ran.err.lines().count() == 1, "{}", ran.err);
    assert_eq!(ran.out, "");
}

/// The shelf photo says 2017-11-27 18:26:02 and no place.
const VISIT: &str = r#"{
    "window": {"from": "2017-11-27T17:00:00Z", "to": "2017-11-27T18:00:00Z"},
    "store": {"lat": 59.91, "lon": 10.75, "radius_m": 150},
    "time_zone": "Europe/Oslo", "subject": "shelf", "min_long_edge_px": 1600, "app_camera": true
}"#;

#[test]
fn a_photo_is_held_against_its_visit_and_graded() {
    let desk = Desk::new();
    let (shelf, visit) = (fixture("photos/shelf.jpg"), desk.data.join("visit.json"));
    let check = |text: &str, more: &[&str]| {
        std::fs::write(&visit, text).unwrap();
        let args = ["check", shelf.to_str().unwrap(), "--visit", visit.to_str().unwrap()];
        desk.run(&[&args, more].concat())
    };
    let fits = check(VISIT, &[]);
    assert_eq!(fits.code, Some(0), "{}{}", fits.out, fits.err);
    assert!(fits.out.contains("    B     The photo does not say where it was taken.\n"), "{}", fits.out);
    assert!(fits.out.contains("All together: B. "), "{}", fits.out);

    let late = check(&VISIT.replace("T17", "T19").replace("T18", "T20"), &["--language", "nl", "--json"]);
    assert_eq!(late.code, Some(1));
    let told: Value = serde_json::from_str(&late.out).unwrap();
    let grade = &told["photos"][0]["grade"];
    // Two hours could be a phone left in another time zone.
    assert_eq!((&grade["letter"], &grade["reasons"][0]["code"]), (&"C".into(), &"TIME_BEFORE_VISIT".into()), "{grade}");
    assert_eq!(grade["reasons"][0]["sentence"], "Volgens de foto is ze vóór het bezoek gemaakt.");
    assert_eq!(told["visit"]["letter"], "C");
    let days = check(&VISIT.replace("11-27", "12-24"), &["--json"]);
    assert_eq!(serde_json::from_str::<Value>(&days.out).unwrap()["visit"]["letter"], "D");

    for (wrong, named) in [
        (VISIT.replace("radius_m", "radius"), "store.radius: unknown field"),
        (VISIT.replace("150", "-1"), "store.radius_m: "),
        (VISIT.replace("Europe/Oslo", "Oslo"), "time_zone: "),
        (VISIT.replace("\"shelf\"", "\"dog\""), "subject: "),
    ] {
        let refused = check(&wrong, &[]);
        assert_eq!((refused.code, refused.out.as_str()), (Some(1), ""));
        assert!(refused.err.contains("visit.json: ") && refused.err.contains(named), "{named}: {}", refused.err);
    }
}

#[test]
fn copies_are_found_in_a_folder_and_shown_on_a_sheet() {
    let desk = Desk::new();
    let archive = desk.data.join("archive");
    std::fs::create_dir_all(&archive).unwrap();
    for name in ["shelf.jpg", "landscape_3.jpg", "no_exif.jpg"] {
        std::fs::copy(fixture("photos").join(name), archive.join(name)).unwrap();
    }
    // A fifth of each side cut off: no hash sees it.
    let shelf = image::open(fixture("photos/shelf.jpg")).unwrap();
    let cut = shelf.crop_imm(shelf.width() / 5, 0, shelf.width() * 4 / 5, shelf.height() * 4 / 5);
    let cut_file = desk.data.join("<b>cut.jpg");
    cut.into_rgb8().save(&cut_file).unwrap();
    let sheet = desk.data.join("sheet.html");
    let landscape = fixture("photos/landscape_2.jpg");
    let args = ["check", cut_file.to_str().unwrap(), landscape.to_str().unwrap(), "--json"];
    let more = ["--against", archive.to_str().unwrap(), "--sheet", sheet.to_str().unwrap(), "--language", "fr"];
    let ran = desk.run(&[&args[..], &more[..]].concat());
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    let like = |n: usize| told["photos"][n]["like"].as_array().unwrap().clone();
    assert_eq!((like(0).len(), like(1).len()), (1, 1), "{told:#}");
    assert_eq!((&like(0)[0]["file"], &like(0)[0]["code"]), (&"shelf.jpg".into(), &"DUP_CROPPED".into()));
    assert!(like(0)[0]["agreement"].as_f64().unwrap() >= 0.7);
    assert_eq!((&like(1)[0]["file"], &like(1)[0]["code"]), (&"landscape_3.jpg".into(), &"DUP_MIRRORED".into()));
    assert!(like(1)[0]["bits"].as_u64().unwrap() <= 31);

    let page = std::fs::read_to_string(&sheet).unwrap();
    assert!(page.starts_with("<!doctype html>\n<html lang=\"fr\">") && page.ends_with("</html>\n"));
    assert_eq!(page.matches("<article").count(), 2);
    assert!(
        page.matches("src=\"data:image/jpeg;base64,").count() >= 8,
        "two photos and two pairs, each also laid over"
    );
    assert!(page.contains("&lt;b&gt;cut.jpg") && !page.contains("<b>cut"));
    assert!(!page.contains("<script") && !page.contains("http:") && !page.contains("https:"));
}

#[test]
fn the_grades_are_explained_in_three_languages() {
    let desk = Desk::new();
    for (language, word) in [("en", "Everything is proven"), ("fr", "Tout est prouvé"), ("nl", "Alles is bewezen")] {
        let ran = desk.run(&["grades", "--language", language]);
        assert_eq!(ran.code, Some(0));
        assert!(ran.out.starts_with("A  ") && ran.out.contains(word) && ran.out.ends_with("grade-1\n"), "{}", ran.out);
    }
    assert_eq!(desk.run(&["grades", "--language", "de"]).code, Some(2));
}
