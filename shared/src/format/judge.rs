//! Holds what an image is against what somebody said it is: the one table of what is accepted.

use super::details::Details;
use super::verdict::{SafetyFailure, Verdict};
use super::{Format, words};

/// What an operator configured in `[image_format]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// `require_image_format_match`: contents that contradict `disk_format` are refused.
    pub require_match: bool,
    /// `vmdk_allowed_types`: the `createType`s that are accepted.
    pub vmdk_allowed_types: Vec<String>,
    /// `gpt_safety_checks_nonfatal`: the checks of partition tables that only warn.
    pub gpt_nonfatal: Vec<String>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            require_match: true,
            vmdk_allowed_types: vec!["streamOptimized".to_owned(), "monolithicSparse".to_owned()],
            gpt_nonfatal: Vec::new(),
        }
    }
}

/// The image may be kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Accepted {
    /// What the image's `virtual_size` becomes.
    pub virtual_size_bytes: Option<u64>,
    /// What an operator may want to know.
    pub warnings: Vec<String>,
}

/// The image must not be kept, and why. Each prints as a sentence for whoever sent it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It can be read as several things at once.
    #[error("multiple formats detected in the data: {}", words::list(.0))]
    Ambiguous(Vec<Format>),
    /// It is not what it was said to be.
    #[error("the image is declared as {declared} but its data is {}", words::detected(*.detected, hint.as_deref()))]
    Mismatch {
        /// The `disk_format` of the image.
        declared: String,
        /// What the data is.
        detected: Format,
        /// What else is known about the data.
        hint: Option<String>,
    },
    /// To open it could do harm.
    #[error("the {} fails its safety checks: {}", .0.first().map_or("image", |failure| failure.format.label()), words::reasons(.0))]
    Unsafe(Vec<SafetyFailure>),
}

/// Decides whether an image with this verdict may be kept under these declarations.
///
/// Only `bare` containers are looked into; in any other the image is accepted as it is.
pub fn judge(
    verdict: &Verdict,
    disk_format: &str,
    container_format: &str,
    rules: &Rules,
) -> Result<Accepted, Refusal> {
    if container_format != "bare" {
        return Ok(Accepted::default());
    }
    if verdict.is_ambiguous() {
        return Err(Refusal::Ambiguous(verdict.formats.clone()));
    }
    let mut accepted = matched(verdict, disk_format, rules)?;
    let (fatal, tolerated): (Vec<_>, Vec<_>) =
        dangers(verdict, rules).into_iter().partition(|failure| is_fatal(failure, disk_format, rules));
    if !fatal.is_empty() {
        return Err(Refusal::Unsafe(fatal));
    }
    accepted.warnings.extend(tolerated.into_iter().map(|failure| failure.explanation));
    Ok(accepted)
}

/// Whether the format fits what was declared.
fn matched(verdict: &Verdict, disk_format: &str, rules: &Rules) -> Result<Accepted, Refusal> {
    let detected = verdict.format;
    let declared = Format::from_disk_format(disk_format);
    if declared == Some(detected) {
        return Ok(Accepted { virtual_size_bytes: verdict.virtual_size_bytes, warnings: Vec::new() });
    }
    if declared.is_none() && detected == Format::Raw {
        // Kernels, ramdisks and containers have no marks of their own, and no disk size either.
        return Ok(Accepted::default());
    }
    if declared == Some(Format::Raw) {
        // Anything may be booted as the raw bytes that it is.
        let warning = format!("declared as raw but the data is {}", words::with_article(detected));
        let size = Some(verdict.size_bytes).filter(|&size| size != 0);
        return Ok(Accepted { virtual_size_bytes: size, warnings: vec![warning] });
    }
    let refusal = Refusal::Mismatch {
        declared: disk_format.to_owned(),
        detected,
        hint: verdict.wrapper.as_ref().map(|wrapper| wrapper.label()),
    };
    if rules.require_match {
        return Err(refusal);
    }
    Ok(Accepted { virtual_size_bytes: verdict.virtual_size_bytes, warnings: vec![refusal.to_string()] })
}

/// The failed checks of the format, and the operator's own list of VMDK types.
fn dangers(verdict: &Verdict, rules: &Rules) -> Vec<SafetyFailure> {
    let mut dangers: Vec<SafetyFailure> = verdict.failures_that_count().cloned().collect();
    if let Details::Vmdk(vmdk) = &verdict.details
        && dangers.is_empty()
    {
        // Stricter than looking at the data alone: an operator who shortened the list is obeyed at every way in, not
        // only where images are converted.
        let create_type = vmdk.create_type.as_deref().unwrap_or_default();
        if !rules.vmdk_allowed_types.iter().any(|allowed| allowed.eq_ignore_ascii_case(create_type)) {
            let explanation = format!("its type {create_type:?} is not among the allowed ones");
            dangers.push(SafetyFailure { check: "descriptor", format: Format::Vmdk, explanation });
        }
    }
    dangers
}

fn is_fatal(failure: &SafetyFailure, disk_format: &str, rules: &Rules) -> bool {
    let tolerated =
        failure.format == Format::Gpt && rules.gpt_nonfatal.iter().any(|check| check == failure.check);
    // Kernels and ramdisks may end their first sector with the mark of a boot sector and have no partitions.
    let kernel = failure.check == "mbr" && matches!(disk_format, "aki" | "ari");
    !tolerated && !kernel
}
