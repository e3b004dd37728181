//! What people look at instead of the original: upright, smaller JPEGs written from decoded samples, so that no
//! metadata, no thumbnail and no trailing bytes of the original can travel with them.

use jpeg_encoder::{ColorType, Encoder, ImageBuffer, JpegColorType, SamplingFactor};

use super::photo::{Picture, Planes};

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
pub fn render(planes: &Planes, orientation: u8) -> Option<Renditions> {
    let large = planes.fit(LARGE_EDGE_PX).upright(orientation);
    let small = large.fit(SMALL_EDGE_PX);
    Some(Renditions { large: encode(&large, LARGE_QUALITY)?, small: encode(&small, SMALL_QUALITY)? })
}

/// Both sizes of a picture with interleaved colours that is upright and no longer than the large one.
pub fn encode_both(large: &Picture) -> Option<Renditions> {
    let small = large.fit(SMALL_EDGE_PX);
    Some(Renditions { large: interleaved(large, LARGE_QUALITY)?, small: interleaved(&small, SMALL_QUALITY)? })
}

fn interleaved(picture: &Picture, quality: u8) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(picture.data.len() / 8 + 1024);
    let (width, height) = (u16::try_from(picture.width).ok()?, u16::try_from(picture.height).ok()?);
    let kind = if picture.channels == 1 { ColorType::Luma } else { ColorType::Ycbcr };
    Encoder::new(&mut out, quality).encode(&picture.data, width, height, kind).ok()?;
    Some(out)
}

/// Planes as the encoder asks for them: row by row, colours in full size, which it halves again.
struct Rows<'a>(&'a Planes);

impl ImageBuffer for Rows<'_> {
    fn get_jpeg_color_type(&self) -> JpegColorType {
        if self.0.chroma.is_some() { JpegColorType::Ycbcr } else { JpegColorType::Luma }
    }

    fn width(&self) -> u16 {
        self.0.luma.width as u16
    }

    fn height(&self) -> u16 {
        self.0.luma.height as u16
    }

    fn fill_buffers(&self, y: u16, buffers: &mut [Vec<u8>; 4]) {
        let row = |plane: &'_ Picture, y: usize| y * plane.width as usize..(y + 1) * plane.width as usize;
        let (luma, y) = (&self.0.luma, usize::from(y));
        buffers[0].extend_from_slice(&luma.data[row(luma, y)]);
        if let Some((cb, cr)) = &self.0.chroma {
            for (plane, buffer) in [cb, cr].into_iter().zip(&mut buffers[1..]) {
                let half = &plane.data[row(plane, y / 2)];
                buffer.extend(half.iter().flat_map(|&sample| [sample; 2]).take(luma.width as usize));
            }
        }
    }
}

fn encode(planes: &Planes, quality: u8) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(planes.luma.data.len() / 4 + 1024);
    let mut encoder = Encoder::new(&mut out, quality);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    encoder.encode_image(Rows(planes)).ok()?;
    Some(out)
}
