//! The usual JPEG of a camera, decoded to its planes: baseline, 8 bits, one interleaved scan, grey or YCbCr. The
//! general decoder interleaves the planes and enlarges the colours at a third of its time and twice its memory, only
//! for renditions to undo both. Forgives nothing: any other kind of file, and any irregularity, is left to the
//! general decoder.

use super::photo::{Picture, Planes};

/// Codes up to this length are found in one step, in bits.
const PEEK: u32 = 10;

/// Natural position of the n-th coefficient, transposed: the transform begins with rows. A run beyond the end, which
/// is refused after the block, lands on the last one.
const ORDER: [u8; 80] = {
    let mut order = [63; 80];
    let (mut n, mut sum) = (0, 0);
    while sum < 15 {
        let mut i: usize = 0;
        while i <= sum {
            let (x, y) = if sum.is_multiple_of(2) { (i, sum - i) } else { (sum - i, i) };
            if x < 8 && y < 8 {
                order[n] = (x * 8 + y) as u8;
                n += 1;
            }
            i += 1;
        }
        sum += 1;
    }
    order
};

/// What became of a file.
pub enum Usual {
    Whole(Planes),
    /// It is the usual JPEG, and its data is not what it should be.
    Broken,
    /// It is something else.
    Other,
}

/// Decodes a file of the given size; without `colour` only luma is made.
pub fn decode(bytes: &[u8], width: u32, height: u32, colour: bool) -> Usual {
    let mut file = File::default();
    match file.headers(bytes) {
        Some(scan_at) if (file.width, file.height) == (width as usize, height as usize) => {
            bytes.get(scan_at..).and_then(|data| file.scan(data, colour)).map_or(Usual::Broken, Usual::Whole)
        }
        _ => Usual::Other,
    }
}

#[derive(Default)]
struct Component {
    id: u8,
    across: usize,
    down: usize,
    table: usize,
    dc: usize,
    ac: usize,
}

#[derive(Default)]
struct File {
    width: usize,
    height: usize,
    components: Vec<Component>,
    /// Quantisation with the factors of the transform, transposed.
    scales: [Option<Box<[f32; 64]>>; 4],
    codes: [[Option<Box<Codes>>; 4]; 2],
    restart: usize,
}

/// One Huffman table.
struct Codes {
    /// By the next [`PEEK`] bits: value in the upper half, run and total length in the lower bytes; 0 when longer.
    whole: Vec<i32>,
    /// By the next [`PEEK`] bits: length and symbol; 0 when longer.
    symbols: Vec<u16>,
    /// By length: the first code beyond it, aligned to 16 bits, and what to add to a code for its symbol.
    ends: [u32; 17],
    offsets: [i32; 17],
    values: Vec<u8>,
}

impl Codes {
    fn new(counts: &[u8], values: &[u8]) -> Option<Codes> {
        let total: usize = counts.iter().map(|&n| usize::from(n)).sum();
        let values = values.get(..total).filter(|_| total <= 256)?.to_vec();
        let size = 1 << PEEK;
        let mut codes = Codes { whole: vec![0; size], symbols: vec![0; size], ends: [0; 17], offsets: [0; 17], values };
        let (mut code, mut n) = (0_u32, 0_usize);
        for length in 1..=16_u32 {
            let count = u32::from(counts[length as usize - 1]);
            codes.offsets[length as usize] = n as i32 - code as i32;
            for _ in 0..count {
                if length <= PEEK {
                    let free = PEEK - length;
                    let (from, to) = ((code << free) as usize, ((code + 1) << free) as usize);
                    codes.symbols.get_mut(from..to)?.fill((length as u16) << 8 | u16::from(codes.values[n]));
                }
                (code, n) = (code + 1, n + 1);
            }
            if code > 1 << length {
                return None;
            }
            codes.ends[length as usize] = code << (16 - length);
            code <<= 1;
        }
        for (bits, whole) in codes.whole.iter_mut().enumerate() {
            let (length, symbol) = (u32::from(codes.symbols[bits] >> 8), u32::from(codes.symbols[bits] & 0xFF));
            let (run, size) = (symbol >> 4, symbol & 15);
            if length > 0 && size > 0 && length + size <= PEEK {
                let value = (bits >> (PEEK - length - size)) as i32 & ((1 << size) - 1);
                *whole = extend(value, size) << 16 | (run << 8 | (length + size)) as i32;
            }
        }
        Some(codes)
    }
}

/// The signed value of `size` bits.
fn extend(bits: i32, size: u32) -> i32 {
    if size > 0 && bits < 1 << (size - 1) { bits - (1 << size) + 1 } else { bits }
}

/// Bits of a scan, without stuffed bytes; zeros from the next marker on.
struct Bits<'a> {
    data: &'a [u8],
    at: usize,
    next: u64,
    have: u32,
    /// How many of the bits at hand are made up.
    invented: u32,
}

impl Bits<'_> {
    /// At least 32 bits at hand.
    #[inline]
    fn fill(&mut self) {
        if self.have > 32 {
            return;
        }
        if let Some(four) = self.data.get(self.at..self.at + 4) {
            let word = u32::from_be_bytes([four[0], four[1], four[2], four[3]]);
            let has_marker = (!word).wrapping_sub(0x0101_0101) & word & 0x8080_8080 != 0;
            if !has_marker {
                self.next |= u64::from(word) << (32 - self.have);
                (self.have, self.at) = (self.have + 32, self.at + 4);
                return;
            }
        }
        self.fill_by_byte();
    }

    #[cold]
    fn fill_by_byte(&mut self) {
        while self.have <= 56 {
            let byte = match (self.data.get(self.at), self.data.get(self.at + 1)) {
                (Some(0xFF), Some(0)) => {
                    self.at += 2;
                    0xFF
                }
                (None | Some(0xFF), _) => {
                    self.invented += 8;
                    0
                }
                (Some(&byte), _) => {
                    self.at += 1;
                    byte
                }
            };
            self.next |= u64::from(byte) << (56 - self.have);
            self.have += 8;
        }
    }

    #[inline]
    fn skip(&mut self, n: u32) {
        self.next <<= n;
        self.have -= n;
    }

    #[inline]
    fn take(&mut self, n: u32) -> i32 {
        let bits = (self.next >> 32 >> (32 - n)) as i32;
        self.skip(n);
        bits
    }

    #[inline]
    fn symbol(&mut self, codes: &Codes) -> Option<u8> {
        let short = codes.symbols[(self.next >> (64 - PEEK)) as usize];
        if short != 0 {
            self.skip(u32::from(short >> 8));
            return Some(short as u8);
        }
        let bits = (self.next >> 48) as u32;
        let length = (PEEK + 1..=16).find(|&n| bits < codes.ends[n as usize])?;
        let place = (bits >> (16 - length)) as i32 + codes.offsets[length as usize];
        self.skip(length);
        codes.values.get(place as usize).copied()
    }

    /// More was read than the scan holds.
    fn is_over(&self) -> bool {
        self.invented > self.have
    }

    /// Steps over a restart marker. `None` when there is none.
    fn restart(&mut self, n: usize) -> Option<()> {
        // Whole bytes that were read ahead mean that data was left over.
        if self.have.saturating_sub(self.invented) >= 8 {
            return None;
        }
        while self.data.get(self.at) == Some(&0xFF) {
            self.at += 1;
        }
        let expected = 0xD0 + (n % 8) as u8;
        if self.data.get(self.at) != Some(&expected) {
            return None;
        }
        *self = Bits { data: self.data, at: self.at + 1, next: 0, have: 0, invented: 0 };
        Some(())
    }
}

impl File {
    /// Reads up to the scan; the position of its data.
    fn headers(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 2;
        loop {
            if *bytes.get(at)? != 0xFF {
                return None;
            }
            while *bytes.get(at)? == 0xFF {
                at += 1;
            }
            let marker = bytes[at];
            let length = usize::from(u16::from_be_bytes([*bytes.get(at + 1)?, *bytes.get(at + 2)?]));
            let body = bytes.get(at + 3..at + 1 + length)?;
            at += 1 + length;
            match marker {
                0xC0 | 0xC1 => self.frame(body)?,
                0xC4 => self.code_tables(body)?,
                0xDB => self.scale_tables(body)?,
                0xDD => self.restart = usize::from(u16::from_be_bytes([*body.first()?, *body.get(1)?])),
                // Adobe's own marker says which colours are meant.
                0xEE if body.starts_with(b"Adobe") && body.get(11) != Some(&1) => return None,
                0xE0..=0xEF | 0xFE => {}
                0xDA => {
                    self.scan_header(body)?;
                    return Some(at);
                }
                _ => return None,
            }
        }
    }

    fn frame(&mut self, body: &[u8]) -> Option<()> {
        let &[8, h1, h0, w1, w0, count, ref parts @ ..] = body else { return None };
        let whole = self.components.is_empty() && parts.len() == 3 * usize::from(count);
        self.width = usize::from(u16::from_be_bytes([w1, w0]));
        self.height = usize::from(u16::from_be_bytes([h1, h0]));
        self.components = parts
            .chunks_exact(3)
            .map(|part| {
                let (across, down) = (usize::from(part[1] >> 4), usize::from(part[1] & 15));
                Component { id: part[0], across, down, table: usize::from(part[2]), ..Component::default() }
            })
            .collect();
        let factors: Vec<(usize, usize)> = self.components.iter().map(|c| (c.across, c.down)).collect();
        let usual = match factors[..] {
            [(1, 1)] => true,
            [(1 | 2, 1 | 2), (1, 1), (1, 1)] => {
                matches!([0, 1, 2].map(|n| self.components[n].id), [1, 2, 3] | [0, 1, 2])
            }
            _ => false,
        };
        (whole && usual && self.width > 0 && self.height > 0).then_some(())
    }

    fn code_tables(&mut self, mut body: &[u8]) -> Option<()> {
        while let Some((&head, rest)) = body.split_first() {
            let counts = rest.get(..16)?;
            let codes = Codes::new(counts, &rest[16..])?;
            body = &rest[16 + codes.values.len()..];
            *self.codes.get_mut(usize::from(head >> 4))?.get_mut(usize::from(head & 15))? = Some(Box::new(codes));
        }
        Some(())
    }

    fn scale_tables(&mut self, mut body: &[u8]) -> Option<()> {
        const FACTORS: [f32; 8] =
            [1.0, 1.387_039_8, 1.306_563, 1.175_875_6, 1.0, 0.785_694_96, 0.541_196_1, 0.275_899_38];
        while let Some((&head, rest)) = body.split_first() {
            let steps: Vec<u16> = match head >> 4 {
                0 => rest.get(..64)?.iter().map(|&b| u16::from(b)).collect(),
                1 => rest.get(..128)?.chunks_exact(2).map(|b| u16::from_be_bytes([b[0], b[1]])).collect(),
                _ => return None,
            };
            body = &rest[64 * (1 + usize::from(head >> 4))..];
            let mut scales = Box::new([0_f32; 64]);
            for (&step, &place) in steps.iter().zip(&ORDER) {
                let place = usize::from(place);
                scales[place] = f32::from(step) * FACTORS[place / 8] * FACTORS[place % 8] / 8.0;
            }
            *self.scales.get_mut(usize::from(head & 15))? = Some(scales);
        }
        Some(())
    }

    fn scan_header(&mut self, body: &[u8]) -> Option<()> {
        let (&count, rest) = body.split_first()?;
        let all = self.components.len();
        if usize::from(count) != all || all == 0 || rest.len() != 2 * all + 3 {
            return None;
        }
        for (component, part) in self.components.iter_mut().zip(rest.chunks_exact(2)) {
            (component.dc, component.ac) = (usize::from(part[1] >> 4), usize::from(part[1] & 15));
            if component.id != part[0] {
                return None;
            }
        }
        (rest[2 * all..] == [0, 63, 0]).then_some(())
    }

    fn scan(&self, data: &[u8], colour: bool) -> Option<Planes> {
        let (across, down) = self.components.first().map(|c| (c.across, c.down))?;
        let (columns, rows) = (self.width.div_ceil(8 * across), self.height.div_ceil(8 * down));
        struct Part<'a> {
            dc: &'a Codes,
            ac: &'a Codes,
            scales: &'a [f32; 64],
            across: usize,
            down: usize,
            stride: usize,
            /// Empty for a plane that nobody asked for.
            samples: Vec<u8>,
            before: i32,
        }
        let mut parts = Vec::with_capacity(3);
        for (n, component) in self.components.iter().enumerate() {
            let stride = columns * 8 * component.across;
            let size = stride * rows * 8 * component.down;
            parts.push(Part {
                dc: self.codes[0].get(component.dc)?.as_deref()?,
                ac: self.codes[1].get(component.ac)?.as_deref()?,
                scales: self.scales.get(component.table)?.as_deref()?,
                across: component.across,
                down: component.down,
                stride,
                samples: if n == 0 || colour { vec![0; size] } else { Vec::new() },
                before: 0,
            });
        }
        let mut bits = Bits { data, at: 0, next: 0, have: 0, invented: 0 };
        let mut units = 0;
        for row in 0..rows {
            for column in 0..columns {
                if self.restart > 0 && units > 0 && units % self.restart == 0 {
                    bits.restart(units / self.restart - 1)?;
                    parts.iter_mut().for_each(|part| part.before = 0);
                }
                units += 1;
                for part in &mut parts {
                    for n in 0..part.across * part.down {
                        let (x, y) = (column * part.across + n % part.across, row * part.down + n / part.across);
                        if part.samples.is_empty() {
                            pass_block(&mut bits, part.dc, part.ac)?;
                            continue;
                        }
                        let mut block = [0_f32; 64];
                        let last = read_block(&mut bits, part.dc, part.ac, part.scales, &mut part.before, &mut block)?;
                        let target = &mut part.samples[y * 8 * part.stride + x * 8..];
                        if last == 0 {
                            flat(block[0], target, part.stride)
                        } else {
                            transform(&block, target, part.stride)
                        }
                    }
                }
            }
            if bits.is_over() {
                return None;
            }
        }
        let mut planes = parts.into_iter().map(|part| {
            let width = self.width.div_ceil(across / part.across);
            let height = self.height.div_ceil(down / part.down);
            Picture::new(width as u32, height as u32, 1, cropped(part.samples, part.stride, width, height))
        });
        let luma = planes.next()??;
        let chroma = if colour { planes.next().flatten().zip(planes.next().flatten()) } else { None };
        Some(Planes { luma, chroma })
    }
}

/// Reads one block and scales it; the number of its last coefficient.
#[inline]
fn read_block(
    bits: &mut Bits,
    dc: &Codes,
    ac: &Codes,
    scales: &[f32; 64],
    before: &mut i32,
    block: &mut [f32; 64],
) -> Option<usize> {
    bits.fill();
    let size = u32::from(bits.symbol(dc)?);
    if size > 11 {
        return None;
    }
    *before += extend(bits.take(size), size);
    block[0] = *before as f32 * scales[0];
    let mut n = 1;
    let mut last = 0;
    while n < 64 {
        bits.fill();
        let whole = ac.whole[(bits.next >> (64 - PEEK)) as usize];
        let value = if whole != 0 {
            bits.skip((whole & 0xFF) as u32);
            n += (whole >> 8 & 15) as usize;
            whole >> 16
        } else {
            let symbol = bits.symbol(ac)?;
            let (run, size) = (usize::from(symbol >> 4), u32::from(symbol & 15));
            match (run, size) {
                (15, 0) => {
                    n += 16;
                    continue;
                }
                (_, 0) => break,
                _ => {}
            }
            n += run;
            extend(bits.take(size), size)
        };
        let place = usize::from(ORDER[n]) & 63;
        block[place] = value as f32 * scales[place];
        last = n;
        n += 1;
    }
    (n <= 64).then_some(last)
}

/// Reads one block of a plane that nobody asked for.
#[inline]
fn pass_block(bits: &mut Bits, dc: &Codes, ac: &Codes) -> Option<()> {
    bits.fill();
    let size = u32::from(bits.symbol(dc)?);
    if size > 11 {
        return None;
    }
    bits.skip(size);
    let mut n = 1;
    while n < 64 {
        bits.fill();
        let whole = ac.whole[(bits.next >> (64 - PEEK)) as usize];
        if whole != 0 {
            bits.skip((whole & 0xFF) as u32);
            n += (whole >> 8 & 15) as usize + 1;
            continue;
        }
        let symbol = bits.symbol(ac)?;
        let (run, size) = (usize::from(symbol >> 4), u32::from(symbol & 15));
        match (run, size) {
            (15, 0) => n += 16,
            (_, 0) => break,
            _ => {
                bits.skip(size);
                n += run + 1;
            }
        }
    }
    (n <= 64).then_some(())
}

/// A sample, rounded to the nearest step.
#[inline]
fn sample(value: f32) -> u8 {
    let lifted = value + 128.0;
    let low = if lifted > 0.0 { lifted } else { 0.0 };
    let clamped = if low < 255.0 { low } else { 255.0 };
    // Adding 1.5 * 2^23 leaves the rounded number in the lowest bits.
    (clamped + 12_582_912.0).to_bits() as u8
}

fn flat(value: f32, target: &mut [u8], stride: usize) {
    let value = sample(value);
    target.chunks_mut(stride).take(8).for_each(|row| row[..8].fill(value));
}

type Rows = [[f32; 8]; 8];

/// One direction of the inverse transform (Arai, Agui, Nakajima 1988), for eight lines side by side.
#[inline(always)]
fn pass(v: &Rows) -> Rows {
    let zip =
        |a: &[f32; 8], b: &[f32; 8], f: fn(f32, f32) -> f32| -> [f32; 8] { std::array::from_fn(|i| f(a[i], b[i])) };
    let add = |a: &[f32; 8], b: &[f32; 8]| zip(a, b, |a, b| a + b);
    let sub = |a: &[f32; 8], b: &[f32; 8]| zip(a, b, |a, b| a - b);
    let times = |a: &[f32; 8], k: f32| -> [f32; 8] { a.map(|a| a * k) };
    const ROOT_2: f32 = std::f32::consts::SQRT_2;

    let (sum_04, difference_04) = (add(&v[0], &v[4]), sub(&v[0], &v[4]));
    let sum_26 = add(&v[2], &v[6]);
    let difference_26 = sub(&times(&sub(&v[2], &v[6]), ROOT_2), &sum_26);
    let even = [
        add(&sum_04, &sum_26),
        add(&difference_04, &difference_26),
        sub(&difference_04, &difference_26),
        sub(&sum_04, &sum_26),
    ];
    let (z13, z10) = (add(&v[5], &v[3]), sub(&v[5], &v[3]));
    let (z11, z12) = (add(&v[1], &v[7]), sub(&v[1], &v[7]));
    let odd_0 = add(&z11, &z13);
    let z5 = times(&add(&z10, &z12), 1.847_759_1);
    let odd_1 = sub(&sub(&z5, &times(&z10, 2.613_126)), &odd_0);
    let odd_2 = sub(&times(&sub(&z11, &z13), ROOT_2), &odd_1);
    let odd_3 = sub(&sub(&z5, &times(&z12, 1.082_392_2)), &odd_2);
    let odd = [odd_0, odd_1, odd_2, odd_3];
    std::array::from_fn(|i| if i < 4 { add(&even[i], &odd[i]) } else { sub(&even[7 - i], &odd[7 - i]) })
}

/// The inverse transform of a transposed block into eight rows of `target`.
#[inline]
fn transform(block: &[f32; 64], target: &mut [u8], stride: usize) {
    let rows: Rows = std::array::from_fn(|y| std::array::from_fn(|x| block[y * 8 + x]));
    let half = pass(&rows);
    let turned: Rows = std::array::from_fn(|y| std::array::from_fn(|x| half[x][y]));
    let whole = pass(&turned);
    for (row, line) in target.chunks_mut(stride).zip(&whole) {
        row[..8].copy_from_slice(&line.map(sample));
    }
}

/// The plane without its padding.
fn cropped(mut samples: Vec<u8>, stride: usize, width: usize, height: usize) -> Vec<u8> {
    if samples.is_empty() {
        return samples;
    }
    if stride != width {
        for y in 1..height {
            samples.copy_within(y * stride..y * stride + width, y * width);
        }
    }
    samples.truncate(width * height);
    samples
}
