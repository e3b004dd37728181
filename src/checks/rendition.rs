//! What people look at instead of the original: upright, smaller JPEGs written from decoded samples, so that no
//! metadata, no thumbnail and no trailing bytes of the original can travel with them.

use jpeg_encoder::{ColorType, Encoder};

use super::photo::Picture;

/// Long side of the rendition for the review desk, in pixels.
pub const LARGE_EDGE_PX: u32 = 1600;
/// Long side of the rendition for lists, in pixels.
pub const SMALL_EDGE_PX: u32 = 320;
const LARGE_QUALITY: u8 = 80;
const SMALL_QUALITY: u8 = 75;

/// Two JPEG files without any metadata.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Renditions {
    pub large: Vec<u8>,
    pub small: Vec<u8>,
}

/// Renders the stored picture upright. `None` only when the encoder refuses.
pub fn render(picture: &Picture, orientation: u8) -> Option<Renditions> {
    encode_both(&picture.fit(LARGE_EDGE_PX).upright(orientation))
}

/// Both sizes of a picture that is upright and no longer than the large one.
pub fn encode_both(large: &Picture) -> Option<Renditions> {
    let small = large.fit(SMALL_EDGE_PX);
    Some(Renditions { large: encode(large, LARGE_QUALITY)?, small: encode(&small, SMALL_QUALITY)? })
}

fn encode(picture: &Picture, quality: u8) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(picture.data.len() / 8 + 1024);
    let (width, height) = (u16::try_from(picture.width).ok()?, u16::try_from(picture.height).ok()?);
    let kind = if picture.channels == 1 { ColorType::Luma } else { ColorType::Ycbcr };
    Encoder::new(&mut out, quality).encode(&picture.data, width, height, kind).ok()?;
    Some(out)
}
