//! QR codes as images: black on white whatever surrounds them, since not every scanner reads the reverse. It must not know what they say.

use std::fmt::Write as _;

use qrcode::{Color, EcLevel, QrCode};

use crate::app::Fault;

/// The white border that scanners need (ISO/IEC 18004), in modules.
const QUIET: usize = 4;

/// A code as an SVG image. `title`: what people hear who do not see it; already fit to stand in markup.
///
/// # Errors
/// A text that no code can hold.
pub fn svg(text: &str, title: Option<&str>) -> Result<String, Fault> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M);
    let code = code.map_err(|error| Fault::Corrupt(format!("{text} as a QR code: {error}")))?;
    let (side, colors) = (code.width(), code.to_colors());
    let whole = side.saturating_add(2 * QUIET);
    // One line for each row, a module thick, which is lifted over what is light: half as long as rectangles. A text takes all that is written to it.
    let mut path = String::with_capacity(colors.len() * 2);
    for (row, modules) in colors.chunks(side.max(1)).enumerate() {
        let _ = write!(path, "M{QUIET} {}.5", row.saturating_add(QUIET));
        for run in modules.chunk_by(|one, next| one == next) {
            let _ = match run.first() {
                Some(Color::Dark) => write!(path, "h{}", run.len()),
                _ => write!(path, "m{} 0", run.len()),
            };
        }
    }
    let labelled = title.map_or_else(String::new, |title| format!(" role=\"img\" aria-label=\"{title}\""));
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {whole} {whole}\" shape-rendering=\"crispEdges\"{labelled}>\
         <path fill=\"#fff\" d=\"M0 0h{whole}v{whole}H0z\"/><path fill=\"none\" stroke=\"#000\" d=\"{path}\"/></svg>"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The modules that the image draws dark, read from its lines.
    fn drawn(svg: &str) -> Vec<(usize, usize)> {
        let path = svg.split("stroke=\"#000\" d=\"").nth(1).unwrap().split('"').next().unwrap();
        let mut dark = Vec::new();
        for row in path.split('M').skip(1) {
            let head = row.find(['h', 'm']).unwrap_or(row.len());
            let (x, y) = row.split_at(head).0.split_once(' ').unwrap();
            let (mut x, y): (usize, usize) = (x.parse().unwrap(), y.strip_suffix(".5").unwrap().parse().unwrap());
            for (at, step) in row.match_indices(['h', 'm']) {
                let length: usize = row.split_at(at + 1).1.split(['h', 'm', ' ']).next().unwrap().parse().unwrap();
                dark.extend((x..x + length).filter(|_| step == "h").map(|x| (x, y)));
                x += length;
            }
        }
        dark
    }

    #[test]
    fn the_image_is_the_code_within_its_border() {
        let text = "ethereum:0x0707070707070707070707070707070707070707@11155111/transfer?uint256=12500000";
        let code = QrCode::with_error_correction_level(text, EcLevel::M).unwrap();
        let side = code.width();
        let dark = |at: &usize| code.to_colors()[*at] == Color::Dark;
        let expected: Vec<_> = (0..side * side).filter(dark).map(|at| (at % side + QUIET, at / side + QUIET)).collect();
        let svg = svg(text, Some("QR code")).unwrap();
        assert_eq!(drawn(&svg), expected);
        assert!(svg.contains(&format!("viewBox=\"0 0 {0} {0}\"", side + 2 * QUIET)) && svg.contains("aria-label=\"QR code\""));
    }
}
