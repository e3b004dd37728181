//! CenterFace (Xu and others, 2019), a small convolutional network, run by tract. Input is RGB from 0 to 255; the outputs
//! stand on a grid of 4 pixels: how likely a face has its centre there, its size, and where in the cell.

use std::io::Cursor;
use std::sync::{Arc, Mutex, PoisonError};

use tract_onnx::prelude::*;

use super::{Area, Finder};
use crate::checks::photo::Picture;

/// Long side of what is searched, in pixels: finds faces from 60 pixels of a 12-megapixel photo on.
const EDGE_PX: usize = 1024;
/// Short sides that are searched: each costs a plan of its own, so that a photo takes the next larger one.
const SHORT_PX: [usize; 3] = [576, 768, 1024];
/// Least likelihood of a face. Printed faces on packages pass it too; those are hidden as well.
const SCORE_MIN: f32 = 0.35;
/// Boxes that share more than this with a likelier one are the same face.
const OVERLAP_MAX: f32 = 0.3;
/// Output cells are this wide, in pixels of what is searched.
const CELL_PX: f32 = 4.0;

type Plan = Arc<TypedRunnableModel>;

/// The network and a plan for each size that came up.
pub struct CenterFace {
    model: InferenceModel,
    plans: Mutex<Vec<((usize, usize), Plan)>>,
}

impl CenterFace {
    /// Reads an ONNX file; the sentence says why it cannot be used.
    pub fn read(file: &[u8]) -> Result<CenterFace, String> {
        let model = tract_onnx::onnx()
            .with_ignore_output_shapes(true)
            .with_ignore_value_info(true)
            .model_for_read(&mut Cursor::new(file))
            .map_err(|e| format!("it is no ONNX model: {e}"))?;
        if (model.inputs.len(), model.outputs.len()) != (1, 4) {
            return Err("it is an ONNX model, but not CenterFace".to_owned());
        }
        Ok(CenterFace { model, plans: Mutex::default() })
    }

    fn plan(&self, size: (usize, usize)) -> TractResult<Plan> {
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, plan)) = plans.iter().find(|(known, _)| *known == size) {
            return Ok(plan.clone());
        }
        let (width, height) = size;
        let plan = self
            .model
            .clone()
            .with_input_fact(0, f32::fact([1, 3, height, width]).into())?
            .into_optimized()?
            .into_runnable()?;
        plans.push((size, plan.clone()));
        Ok(plan)
    }
}

impl Finder for CenterFace {
    fn find(&self, picture: &Picture) -> Result<Vec<Area>, String> {
        let small = picture.fit(EDGE_PX as u32);
        let (width, height) = canvas(small.width as usize, small.height as usize);
        let failed = |e: TractError| format!("the model failed: {e}");
        let plan = self.plan((width, height)).map_err(failed)?;
        let input = Tensor::from_shape(&[1, 3, height, width], &planes(&small, width, height)).map_err(failed)?;
        let outputs = plan.run(tvec!(input.into())).map_err(failed)?;
        let plain: Vec<PlainView> =
            outputs.iter().map(|output| output.try_as_plain_ram()).collect::<TractResult<_>>().map_err(failed)?;
        let numbers: Vec<&[f32]> =
            plain.iter().map(|view| view.as_slice::<f32>()).collect::<TractResult<_>>().map_err(failed)?;
        let maps =
            Maps::of(&numbers, (width / 4, height / 4)).ok_or("the model gave other numbers than CenterFace does")?;
        let scale = picture.width as f32 / small.width as f32;
        let faces = maps.faces().into_iter().map(|(_, face)| Area {
            left: face.left * scale,
            top: face.top * scale,
            width: face.width * scale,
            height: face.height * scale,
        });
        Ok(faces.collect())
    }
}

/// The size of the plan that takes a picture; what the picture does not fill stays black.
fn canvas(width: usize, height: usize) -> (usize, usize) {
    let short = width.min(height);
    let short = SHORT_PX.into_iter().find(|side| *side >= short).unwrap_or(EDGE_PX);
    if width >= height { (EDGE_PX, short) } else { (short, EDGE_PX) }
}

/// Red, green and blue planes of `width` x `height`, the picture in the upper left corner.
fn planes(picture: &Picture, width: usize, height: usize) -> Vec<f32> {
    let mut planes = vec![0.0_f32; 3 * width * height];
    let (w, n) = (picture.width as usize, picture.channels);
    for (y, row) in picture.data.chunks_exact(w * n).enumerate() {
        for (x, pixel) in row.chunks_exact(n).enumerate() {
            let at = y * width + x;
            for (plane, sample) in rgb(pixel).into_iter().enumerate() {
                planes[plane * width * height + at] = sample;
            }
        }
    }
    planes
}

/// Full-range YCbCr as JPEG has it; one sample is grey.
fn rgb(pixel: &[u8]) -> [f32; 3] {
    let [y, cb, cr] = match *pixel {
        [y, cb, cr] => [f32::from(y), f32::from(cb) - 128.0, f32::from(cr) - 128.0],
        _ => [pixel.first().copied().map_or(0.0, f32::from), 0.0, 0.0],
    };
    [y + 1.402 * cr, y - 0.344_136 * cb - 0.714_136 * cr, y + 1.772 * cb].map(|sample| sample.clamp(0.0, 255.0))
}

/// The outputs of one run.
struct Maps<'a> {
    across: usize,
    score: &'a [f32],
    /// Logarithms of height and width, in cells.
    size: &'a [f32],
    /// Down and right.
    offset: &'a [f32],
}

impl Maps<'_> {
    /// `None` when the outputs have not the sizes of CenterFace's, or hold no numbers.
    fn of<'a>(outputs: &[&'a [f32]], (across, down): (usize, usize)) -> Option<Maps<'a>> {
        let [score, size, offset, _landmarks] = *outputs else { return None };
        let cells = across * down;
        let fits = score.len() == cells && size.len() == 2 * cells && offset.len() == 2 * cells;
        let numbers = || score.iter().chain(size).chain(offset).all(|n| n.is_finite());
        (fits && numbers()).then_some(Maps { across, score, size, offset })
    }

    /// Likeliest first, each face once.
    fn faces(&self) -> Vec<(f32, Area)> {
        let cells = self.score.len();
        let mut found: Vec<(f32, Area)> = (0..cells)
            .filter(|cell| self.score[*cell] > SCORE_MIN)
            .map(|cell| {
                let (height, width) = (self.size[cell].exp() * CELL_PX, self.size[cells + cell].exp() * CELL_PX);
                let (row, column) = ((cell / self.across) as f32, (cell % self.across) as f32);
                let middle = |at: f32, offset: f32| (at + offset + 0.5) * CELL_PX;
                let left = middle(column, self.offset[cells + cell]) - width / 2.0;
                let top = middle(row, self.offset[cell]) - height / 2.0;
                (self.score[cell], Area { left, top, width, height })
            })
            .collect();
        found.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut kept: Vec<(f32, Area)> = Vec::new();
        for face in found {
            if kept.iter().all(|known| shared(&known.1, &face.1) < OVERLAP_MAX) {
                kept.push(face);
            }
        }
        kept
    }
}

/// Share of the union of two boxes that both cover.
fn shared(a: &Area, b: &Area) -> f32 {
    let along = |a: f32, a_size: f32, b: f32, b_size: f32| ((a + a_size).min(b + b_size) - a.max(b)).max(0.0);
    let both = along(a.left, a.width, b.left, b.width) * along(a.top, a.height, b.top, b.height);
    both / (a.width * a.height + b.width * b.height - both).max(f32::MIN_POSITIVE)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Maps of 8 x 8 cells without a face.
    fn empty() -> [Vec<f32>; 4] {
        [vec![0.0; 64], vec![0.0; 128], vec![0.0; 128], vec![0.0; 640]]
    }

    fn faces(maps: &[Vec<f32>; 4]) -> Option<Vec<Area>> {
        let views: Vec<&[f32]> = maps.iter().map(Vec::as_slice).collect();
        let whole = |a: Area| Area {
            left: a.left.round(),
            top: a.top.round(),
            width: a.width.round(),
            height: a.height.round(),
        };
        Some(Maps::of(&views, (8, 8))?.faces().into_iter().map(|(_, area)| whole(area)).collect())
    }

    #[test]
    fn a_face_is_read_from_its_cell_and_found_once() {
        let mut maps = empty();
        assert_eq!(faces(&maps), Some(vec![]));
        // Row 3, column 4, and its neighbour that sees the same face less surely.
        (maps[0][28], maps[0][29]) = (0.9, 0.5);
        for cell in [28, 29] {
            (maps[1][cell], maps[1][64 + cell]) = (4.0_f32.ln(), 3.0_f32.ln());
        }
        (maps[2][28], maps[2][64 + 28]) = (0.25, -0.5);
        assert_eq!(faces(&maps), Some(vec![Area { left: 10.0, top: 7.0, width: 12.0, height: 16.0 }]));
        // Too far away to be the same.
        maps[0][0] = 0.4;
        assert_eq!(faces(&maps).map(|found| found.len()), Some(2));
    }

    #[test]
    fn outputs_of_another_size_or_without_numbers_are_an_error_and_not_no_face() {
        let mut maps = empty();
        maps[0][5] = f32::NAN;
        assert_eq!(faces(&maps), None);
        let mut maps = empty();
        maps[1].pop();
        assert_eq!(faces(&maps), None);
        assert!(CenterFace::read(b"no model").is_err());
    }

    #[test]
    fn a_picture_fits_the_plan_that_searches_it() {
        assert_eq!(canvas(1024, 768), (1024, 768));
        assert_eq!(canvas(768, 1024), (768, 1024));
        assert_eq!(canvas(1024, 500), (1024, 576));
        assert_eq!(canvas(1024, 1024), (1024, 1024));
        assert_eq!(canvas(640, 480), (1024, 576));
        assert_eq!(rgb(&[128]), [128.0; 3]);
        assert_eq!(rgb(&[76, 85, 255]).map(|n| n.round() as u8), [254, 0, 0]);
    }

    /// `FIELDPROOF_FACE_MODEL` names the model, `FIELDPROOF_PHOTOS` a folder: its faces are counted and hidden, and none of
    /// them is found again where it was.
    #[test]
    #[ignore = "needs the model and photos: README"]
    fn a_folder_of_faces_is_hidden_for_good() {
        use crate::checks::{Budget, Shot, faces::hide_in, look};
        let named = |name| std::env::var_os(name).unwrap_or_else(|| panic!("{name} names it"));
        let (model, folder) = (named("FIELDPROOF_FACE_MODEL"), named("FIELDPROOF_PHOTOS"));
        let finder = CenterFace::read(&std::fs::read(model).expect("the model")).expect("CenterFace");
        let upright = |jpeg: &[u8]| {
            let layout = crate::checks::format::walk_jpeg(jpeg, 1);
            let decoded = crate::checks::photo::decode(jpeg, crate::checks::format::Format::Jpeg, &layout, true);
            decoded.expect("a rendition").planes.interleaved()
        };
        let mut files: Vec<_> =
            std::fs::read_dir(folder).expect("the folder").map(|e| e.expect("an entry").path()).collect();
        files.sort();
        for path in files {
            let looked = look(&std::fs::read(&path).expect("a file"), &Shot::default(), &Budget::default());
            let Some(renditions) = looked.renditions else { continue };
            let picture = upright(&renditions.large);
            let start = std::time::Instant::now();
            let before = finder.find(&picture).expect("searched");
            let ms = start.elapsed().as_millis();
            let hidden = hide_in(&finder, &renditions.large).expect("hidden");
            let after = finder.find(&upright(&hidden.renditions.large)).expect("searched");
            let sizes: Vec<u32> = before.iter().map(|area| area.width as u32).collect();
            println!("{:4} faces {ms:5} ms  {} {sizes:?}", before.len(), path.display());
            assert_eq!(before.len(), hidden.count, "{}", path.display());
            let again = after.iter().find(|face| before.iter().any(|known| shared(known, face) > OVERLAP_MAX));
            assert_eq!(again, None, "{}: a hidden face is still one", path.display());
        }
    }
}
