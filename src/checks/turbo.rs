//! libjpeg-turbo in place of our own decoder: planes without enlarging colours, and its warnings count as errors.

use turbojpeg::{Colorspace, Decompressor, Subsamp, YuvImage};

use super::baseline::Usual;
use super::photo::{Picture, Planes};

/// Decodes a file of the given size; without `colour` luma alone is kept.
pub fn decode(bytes: &[u8], width: u32, height: u32, colour: bool) -> Usual {
    let Ok(mut decoder) = Decompressor::new() else { return Usual::Other };
    let Ok(header) = decoder.read_header(bytes) else { return Usual::Other };
    let (w, h) = (width as usize, height as usize);
    let usual = matches!(header.colorspace, Colorspace::YCbCr | Colorspace::Gray) && !header.is_lossless;
    let (across, down) = match header.subsamp {
        Subsamp::None | Subsamp::Gray => (1, 1),
        Subsamp::Sub2x1 => (2, 1),
        Subsamp::Sub2x2 => (2, 2),
        Subsamp::Sub1x2 => (1, 2),
        _ => return Usual::Other,
    };
    if !usual || (header.width, header.height) != (w, h) {
        return Usual::Other;
    }
    let (half_w, half_h) = (w.div_ceil(across), h.div_ceil(down));
    // With a sub-sampled colour the library pads luma to whole pairs.
    let (padded_w, padded_h) = (half_w * across, half_h * down);
    let colours = header.subsamp != Subsamp::Gray;
    let luma_size = padded_w * padded_h;
    let plane_size = half_w * half_h;
    let mut pixels = vec![0; luma_size + if colours { 2 * plane_size } else { 0 }];
    let image = YuvImage { pixels: pixels.as_mut_slice(), width: w, align: 1, height: h, subsamp: header.subsamp };
    if decoder.decompress_to_yuv(bytes, image).is_err() {
        return Usual::Broken;
    }
    let cut = |plane: &[u8]| Picture::new(half_w as u32, half_h as u32, 1, plane.to_vec());
    let chroma = if colour && colours {
        cut(&pixels[luma_size..luma_size + plane_size]).zip(cut(&pixels[luma_size + plane_size..]))
    } else {
        None
    };
    if padded_w != w {
        (1..h).for_each(|y| pixels.copy_within(y * padded_w..y * padded_w + w, y * w));
    }
    pixels.truncate(w * h);
    match Picture::new(width, height, 1, pixels) {
        Some(luma) => Usual::Whole(Planes { luma, chroma }),
        None => Usual::Broken,
    }
}
