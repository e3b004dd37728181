//! `fieldproof eval photos`: how well the photo checks do on somebody's own photos.

use serde_json::Value;

use super::{Desk, Ran, fixture};

/// A folder with labelled pairs, a photo large enough to be attacked, and one that cannot be read.
fn desk() -> Desk {
    let desk = Desk::new();
    let folder = desk.data.join("photos/more");
    std::fs::create_dir_all(&folder).unwrap();
    for name in ["landscape_1.jpg", "landscape_2.jpg", "landscape_3.jpg", "no_exif.jpg", "broken_no_picture.jpg"] {
        std::fs::copy(fixture("photos").join(name), folder.join(name)).unwrap();
    }
    let shelf = image::open(fixture("photos/shelf.jpg")).unwrap();
    // As long as an attacked photo must be, and low, because each attack is looked at without optimisation here.
    let strip = shelf.thumbnail(640, 640).crop_imm(0, 180, 640, 120);
    strip.into_rgb8().save(folder.join("shelf.jpg")).unwrap();
    let pairs = "file_a\tfile_b\trelation\n\
                 more/landscape_1.jpg\tmore/landscape_2.jpg\tcopy\n\
                 more/landscape_1.jpg\tmore/landscape_3.jpg\tcopy\n\
                 more/shelf.jpg\tmore/no_exif.jpg\treshot\n";
    std::fs::write(desk.data.join("photos/pairs.tsv"), pairs).unwrap();
    desk
}

fn eval(desk: &Desk, more: &[&str]) -> Ran {
    let folder = desk.data.join("photos");
    desk.run(&[&["eval", "photos", folder.to_str().unwrap()], more].concat())
}

#[test]
fn a_folder_gives_a_table_that_says_what_it_does_not_show() {
    let desk = desk();
    let [json, page] = ["eval.json", "eval.html"].map(|name| desk.data.join(name));
    let ran = eval(&desk, &["--json", json.to_str().unwrap(), "--html", page.to_str().unwrap()]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(ran.out.starts_with("6 photos, 1 attacked, 1 cannot be decoded, "), "{}", ran.out);
    assert!(ran.out.contains("more/broken_no_picture.jpg  DAMAGED"), "{}", ran.out);
    assert!(ran.err.contains("photos: 6 of 6"), "{}", ran.err);

    let told: Value = serde_json::from_str(&std::fs::read_to_string(json).unwrap()).unwrap();
    let row = |name: &str| {
        let rows = told["rows"].as_array().unwrap();
        rows.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("{name}: {told:#}")).clone()
    };
    let count = |name: &str| (row(name)["hits"].as_u64().unwrap(), row(name)["n"].as_u64().unwrap());
    assert_eq!((count("exact copy"), count("JPEG q30"), count("mirrored")), ((1, 1), (1, 1), (1, 1)));
    assert_eq!(row("JPEG q30")["verdict"], "not_shown");
    assert_eq!((count("labelled copies"), count("reshot")), ((2, 2), (0, 1)));
    assert_eq!(count("different photos, hash <= 31 bits"), (0, 6), "pairs of one picture are not different photos");
    assert_eq!((count("black frame"), count("time and position of the visit, called wrong")), ((1, 1), (0, 1)));
    let lies = ["cut off somewhere", "size that it does not have", "101 to 20 000 scans", "two types in one file"];
    assert!(lies.iter().all(|lie| count(lie).0 == count(lie).1 && count(lie).1 > 0), "{told:#}");
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("not shown") && !page.contains("<script"));
}

#[test]
fn a_sample_repeats_and_wrong_pairs_are_named() {
    let desk = desk();
    std::fs::remove_file(desk.data.join("photos/more/shelf.jpg")).unwrap();
    let once = eval(&desk, &["--limit", "3", "--seed", "7"]);
    assert_eq!(once.code, Some(0), "{}", once.err);
    assert!(once.out.starts_with("3 photos, 0 attacked, "), "{}", once.out);
    assert_eq!(eval(&desk, &["--limit", "3", "--seed", "7"]).out, once.out);

    std::fs::write(desk.data.join("pairs.tsv"), "file_a\tfile_b\n").unwrap();
    let wrong = eval(&desk, &["--pairs", desk.data.join("pairs.tsv").to_str().unwrap()]);
    assert_eq!((wrong.code, wrong.out.as_str()), (Some(1), ""));
    assert!(wrong.err.ends_with("pairs.tsv, line 1: the column relation is missing.\n"), "{}", wrong.err);
    let nowhere = desk.run(&["eval", "photos", "/nowhere"]);
    assert_eq!((nowhere.code, nowhere.err.lines().count()), (Some(1), 1), "{}", nowhere.err);
    assert_eq!(desk.run(&["eval", "photos", "x", "--limit", "0"]).code, Some(2));
}

#[test]
fn made_up_positions_are_counted_and_the_same_seed_gives_the_same_table() {
    let desk = Desk::new();
    let folder = format!("{}/tests/fixtures/tracks", env!("CARGO_MANIFEST_DIR"));
    let run = |more: &[&str]| desk.run(&[&["eval", "tracks", &folder, "--each", "3"], more].concat());
    let (first, second) = (run(&[]), run(&[]));
    assert_eq!((first.code, &first.out), (Some(0), &second.out), "{}", first.err);
    assert!(first.out.contains("mock flag left on") && first.out.contains("Refused by the machine"), "{}", first.out);
    let wrong = desk.run(&["eval", "tracks", "/nowhere"]);
    assert!(wrong.code == Some(1) && !wrong.err.is_empty(), "{}", wrong.err);
}
