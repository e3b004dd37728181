//! Files made to hurt: bombs, lying headers, cut files, files that are two things at once. Each is refused or marked,
//! and those that claim more than they are never reach a decoder.

use super::photo::DECODERS_CALLED;
use super::samples::{self, Camera, Dice};
use super::*;

/// What must come of a file.
enum Fate {
    /// This finding, and no decoder was called.
    Refused(Code),
    /// This finding; a decoder may have been called.
    Marked(Code),
    /// Nothing but a look without a panic: the picture is whole.
    Read,
}
use Fate::{Marked, Read, Refused};

fn jpeg() -> Vec<u8> {
    samples::jpeg(&samples::text(64, 64))
}

fn find(file: &[u8], marker: u8) -> usize {
    file.windows(2).position(|w| w == [0xFF, marker]).expect("the marker")
}

fn sized(width: u16, height: u16) -> Vec<u8> {
    let mut file = jpeg();
    let at = find(&file, 0xC0);
    file[at + 5..at + 7].copy_from_slice(&height.to_be_bytes());
    file[at + 7..at + 9].copy_from_slice(&width.to_be_bytes());
    file
}

fn progressive(mut file: Vec<u8>) -> Vec<u8> {
    let at = find(&file, 0xC0);
    file[at + 1] = 0xC2;
    file
}

fn with_scans(count: usize) -> Vec<u8> {
    let file = jpeg();
    let at = find(&file, 0xDA);
    let header = &file[at..at + 2 + usize::from(file[at + 3])];
    let mut bomb = file[..file.len() - 2].to_vec();
    (0..count).for_each(|_| bomb.extend(header));
    bomb.extend([0xFF, 0xD9]);
    bomb
}

fn behind(tail: &[u8]) -> Vec<u8> {
    [jpeg().as_slice(), tail].concat()
}

/// A TIFF block whose first directory has the given entries, as EXIF of a whole picture.
fn with_tiff(entries: &[[u8; 12]], next: u32, tail: &[u8]) -> Vec<u8> {
    let mut tiff = b"MM\0*\0\0\0\x08".to_vec();
    tiff.extend((entries.len() as u16).to_be_bytes());
    tiff.extend(entries.concat());
    tiff.extend(next.to_be_bytes());
    tiff.extend(tail);
    samples::with_segment(&jpeg(), 0xE1, &[b"Exif\0\0", tiff.as_slice()].concat())
}

fn entry(tag: u16, kind: u16, count: u32, value: u32) -> [u8; 12] {
    let parts = [&tag.to_be_bytes()[..], &kind.to_be_bytes(), &count.to_be_bytes(), &value.to_be_bytes()].concat();
    parts.try_into().expect("twelve bytes")
}

fn chunk(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    // The check sum is wrong, which no walk minds.
    [&(body.len() as u32).to_be_bytes()[..], kind, body, &[0; 4]].concat()
}

fn png(width: u32, height: u32, chunks: &[Vec<u8>]) -> Vec<u8> {
    let head = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    [b"\x89PNG\r\n\x1a\n".to_vec(), chunk(b"IHDR", &head), chunks.concat(), chunk(b"IEND", b"")].concat()
}

fn real_png() -> Vec<u8> {
    let mut file = std::io::Cursor::new(Vec::new());
    let picture = image::RgbImage::from_fn(40, 30, |x, y| image::Rgb([x as u8, y as u8, 9]));
    picture.write_to(&mut file, image::ImageFormat::Png).expect("encodes");
    file.into_inner()
}

fn webp(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let size = (body.len() as u32).to_le_bytes();
    let riff = (body.len() as u32 + 12).to_le_bytes();
    [b"RIFF", &riff[..], b"WEBP", kind, &size, body].concat()
}

fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32 + 8).to_be_bytes()[..], kind, body].concat()
}

fn heic(rest: &[u8]) -> Vec<u8> {
    [boxed(b"ftyp", b"heic\0\0\0\0mif1heic").as_slice(), rest].concat()
}

fn noise(seed: u64, size: usize) -> Vec<u8> {
    let mut dice = Dice(seed);
    (0..size).map(|_| dice.roll(256) as u8).collect()
}

fn files() -> Vec<(&'static str, Vec<u8>, Fate)> {
    use Code::{AiDeclared, Damaged, FormatUnsupported, TooManyPixels, TrailingData, TypeDiffers};
    let file = jpeg();
    let (frame, tables, scan) = (find(&file, 0xC0), find(&file, 0xDB), find(&file, 0xDA));
    let cut = |at: usize| file[..at].to_vec();
    let set = |at: usize, bytes: &[u8]| {
        let mut file = file.clone();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        file
    };
    let big_frame = [0xFF, 0xC0, 0, 11, 8, 0xFF, 0, 0xFF, 0, 1, 1, 0x11, 0];
    let comment = |text: &[u8]| samples::with_segment(&file, 0xFE, text);
    let exif = |camera: &Camera| samples::with_exif(&file, camera);
    let bomb_thumbnail = with_tiff(
        &[entry(0x112, 3, 1, 0x10000)],
        26,
        &[&[0, 2], &entry(0x201, 4, 1, 56)[..], &entry(0x202, 4, 1, 500), &[0; 4], &sized(65500, 65500)].concat(),
    );
    let claims = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia";
    vec![
        // Sizes that no picture has.
        ("65500 x 65500", sized(65500, 65500), Refused(TooManyPixels)),
        ("16384 x 16384", sized(16384, 16384), Refused(TooManyPixels)),
        ("12000 x 9000", sized(12000, 9000), Refused(TooManyPixels)),
        ("8001 x 8001", sized(8001, 8001), Refused(TooManyPixels)),
        ("65535 x 1000", sized(65535, 1000), Refused(TooManyPixels)),
        ("6000 x 4000 of nothing", sized(6000, 4000), Refused(Damaged)),
        ("2048 x 2000 of nothing", sized(2048, 2000), Refused(Damaged)),
        ("progressive 16384 x 16384", progressive(sized(16384, 16384)), Refused(TooManyPixels)),
        ("progressive 5700 x 5700", progressive(sized(5700, 5700)), Refused(TooManyPixels)),
        ("no width", sized(0, 64), Refused(Damaged)),
        ("no height", sized(64, 0), Refused(Damaged)),
        ("size of 256 x 256", sized(256, 256), Marked(Damaged)),
        ("a second frame", [&file[..scan], &big_frame, &file[scan..]].concat(), Refused(TooManyPixels)),
        ("a frame before the first", [&file[..frame], &big_frame, &file[frame..]].concat(), Refused(TooManyPixels)),
        // Scans.
        ("101 scans", with_scans(100), Refused(Damaged)),
        ("2000 scans", with_scans(2000), Refused(Damaged)),
        ("20000 scans", with_scans(20000), Refused(Damaged)),
        ("2000 progressive scans", progressive(with_scans(2000)), Refused(Damaged)),
        ("no scan", [&file[..scan], &[0xFF, 0xD9]].concat(), Refused(Damaged)),
        // Cut files.
        ("half", cut(file.len() / 2), Marked(Damaged)),
        ("without its end", cut(file.len() - 2), Marked(Damaged)),
        ("the start alone", cut(2).into_iter().chain([0xFF]).collect(), Refused(Damaged)),
        ("start and end", vec![0xFF, 0xD8, 0xFF, 0xD9], Refused(Damaged)),
        ("cut in the frame header", cut(frame + 6), Refused(Damaged)),
        ("cut in the tables", cut(tables + 20), Refused(Damaged)),
        ("cut at the scan", cut(scan + 4), Refused(Damaged)),
        // Structure.
        ("segment of length 0", set(tables + 2, &[0, 0]), Refused(Damaged)),
        ("segment beyond the end", set(tables + 2, &[0xFF, 0xFF]), Refused(Damaged)),
        ("255 components", set(frame + 9, &[255]), Marked(Damaged)),
        ("no components", set(frame + 9, &[0]), Marked(Damaged)),
        ("sampling of 15", set(frame + 11, &[0xFF]), Marked(Damaged)),
        ("12 bits", set(frame + 4, &[12]), Marked(Damaged)),
        ("missing table", set(frame + 12, &[3]), Marked(Damaged)),
        ("fill bytes", [&file[..2], &[0xFF; 5000], &file[2..]].concat(), Read),
        ("fill bytes alone", [&file[..2], &[0xFF; 5000]].concat(), Refused(Damaged)),
        ("noise", [&[0xFF, 0xD8, 0xFF], noise(1, 3000).as_slice()].concat(), Marked(Damaged)),
        ("noise for a scan", [&file[..scan + 14], &noise(2, 3000), &[0xFF, 0xD9]].concat(), Marked(Damaged)),
        // Camera data.
        ("a directory that is its own next", with_tiff(&[entry(0x112, 3, 1, 0x10000)], 8, &[]), Read),
        ("text of 4 GB", with_tiff(&[entry(0x10F, 2, u32::MAX, 8)], 0, &[]), Read),
        ("a directory that holds itself", with_tiff(&[entry(0x8769, 4, 1, 8), entry(0x8825, 4, 1, 8)], 0, &[]), Read),
        ("thumbnail outside", with_tiff(&[entry(0x201, 4, 1, u32::MAX), entry(0x202, 4, 1, 9)], 8, &[]), Read),
        ("thumbnail that is a bomb", bomb_thumbnail, Read),
        ("position of 9e9 degrees", exif(&Camera { point: Some((4000.0, -4000.0)), ..Camera::default() }), Read),
        ("control characters", exif(&Camera { make: Some("\u{1b}[2J\r\n"), ..Camera::default() }), Read),
        (
            "a packet of brackets",
            samples::with_segment(
                &file,
                0xE1,
                &[b"http://ns.adobe.com/xap/1.0/\0", [b'<'; 60_000].as_slice()].concat(),
            ),
            Read,
        ),
        (
            "a manifest of a generator",
            samples::with_segment(&file, 0xEB, &[b"JP", claims.as_bytes()].concat()),
            Marked(AiDeclared),
        ),
        // PNG, WebP, HEIC.
        ("PNG of 60000 x 60000", png(60000, 60000, &[]), Refused(TooManyPixels)),
        ("PNG of 8000 x 7999", png(8000, 7999, &[chunk(b"IDAT", &[0; 50])]), Refused(Damaged)),
        ("PNG of nothing", png(0, 0, &[]), Refused(Damaged)),
        ("PNG without picture", png(100, 100, &[]), Marked(Damaged)),
        ("PNG with a chunk of 4 GB", [&png(100, 100, &[])[..33], &[0xFF; 8]].concat(), Marked(Damaged)),
        ("PNG and a ZIP", [real_png().as_slice(), b"PK\x03\x04"].concat(), Marked(TrailingData)),
        ("WebP of 16384 x 16384", webp(b"VP8X", &[0, 0, 0, 0, 0xFF, 0x3F, 0, 0xFF, 0x3F, 0]), Refused(TooManyPixels)),
        ("WebP of 16383 x 16383, lossless", webp(b"VP8L", &[0x2F, 0xFE, 0xBF, 0xFF, 0x0F]), Refused(TooManyPixels)),
        ("WebP of nothing", webp(b"JUNK", &[0; 20]), Refused(Damaged)),
        ("WebP longer than it is", b"RIFF\xFF\xFF\xFF\xFFWEBPVP8L\x08\0\0\0".to_vec(), Marked(Damaged)),
        ("HEIC of one box", heic(b""), Refused(Damaged)),
        ("HEIC with a box of 2^63 bytes", heic(b"\0\0\0\x01meta\x80\0\0\0\0\0\0\0"), Refused(Damaged)),
        ("HEIC of noise", heic(&boxed(b"meta", &noise(3, 2000))), Refused(Damaged)),
        // Two things at once.
        ("JPEG and ZIP", behind(b"PK\x03\x04....."), Marked(TrailingData)),
        ("JPEG and PDF", behind(b"%PDF-1.7 ..."), Marked(TrailingData)),
        ("JPEG and page", behind(b"<html><script>alert(1)</script>"), Marked(TrailingData)),
        ("JPEG and program", behind(b"MZ\x90\0\x03"), Marked(TrailingData)),
        ("JPEG and JPEG", behind(&file), Marked(TrailingData)),
        ("page in a comment", comment(b"--><script>alert(1)</script><!--"), Marked(TypeDiffers)),
        ("PHP in a comment", comment(b"<?php system($_GET['c']); ?>"), Marked(TypeDiffers)),
        ("PDF in a comment", comment(b"%PDF-1.4\n1 0 obj"), Marked(TypeDiffers)),
        ("PHP as a camera", exif(&Camera { make: Some("<?php phpinfo();"), ..Camera::default() }), Marked(TypeDiffers)),
        ("ZIP with a JPEG inside", [b"PK\x03\x04", file.as_slice()].concat(), Refused(FormatUnsupported)),
        ("GIF with a JPEG inside", [b"GIF89a", file.as_slice()].concat(), Refused(FormatUnsupported)),
        ("page with a JPEG inside", [b"<html>", file.as_slice()].concat(), Refused(FormatUnsupported)),
        ("one byte", vec![0xFF], Refused(FormatUnsupported)),
    ]
}

#[test]
fn hostile_files_are_refused_or_marked() {
    let files = files();
    assert!(files.len() >= 60, "{}", files.len());
    let mut wrong = Vec::new();
    for (name, bytes, fate) in files {
        DECODERS_CALLED.set(0);
        let looked = look_inside(&bytes, &Shot::default(), &Budget::default(), true);
        let called = DECODERS_CALLED.get();
        let has = |code| looked.findings.iter().any(|f| f.code == code);
        let fine = match fate {
            Refused(code) => has(code) && called == 0 && looked.renditions.is_none() && looked.pdq.is_none(),
            Marked(code) => has(code),
            Read => looked.renditions.is_some() && !has(Code::Damaged),
        };
        if !fine {
            wrong.push(format!("{name}: {called} decoders, {:?}", looked.findings));
        }
        for rendition in looked.renditions.iter().flat_map(|r| [&r.large, &r.small]) {
            let has = |magic: &[u8]| rendition.windows(magic.len()).any(|w| w == magic);
            assert!(!has(b"<script") && !has(b"<?php") && !has(b"%PDF") && !has(b"PK\x03\x04"), "{name}");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
