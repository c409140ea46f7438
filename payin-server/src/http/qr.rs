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
    let mut path = String::with_capacity(colors.len() * 4);
    for (row, modules) in colors.chunks(side.max(1)).enumerate() {
        let mut at = 0;
        for run in modules.chunk_by(|one, next| one == next) {
            if run.first() == Some(&Color::Dark) {
                // One rectangle for neighbours: a third of the length. A text takes all that is written to it.
                let _ = write!(path, "M{} {}h{}v1h-{}z", at + QUIET, row + QUIET, run.len(), run.len());
            }
            at += run.len();
        }
    }
    let labelled = title.map_or_else(String::new, |title| format!(" role=\"img\" aria-label=\"{title}\""));
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {whole} {whole}\" shape-rendering=\"crispEdges\"{labelled}>\
         <path fill=\"#fff\" d=\"M0 0h{whole}v{whole}H0z\"/><path d=\"{path}\"/></svg>"
    ))
}
