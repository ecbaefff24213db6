//! The limits of Keystone: can the account of `[oslo_limit]` read them, and is each one registered.

use super::{Finding, Neighbour};
use crate::auth::keystone::{LimitsReader, Overview};
use crate::config::{KeystoneLimitsConfig, Loaded, Severity};
use crate::quota::Resource;

/// Nothing where `use_keystone_limits` is off.
pub async fn check(loaded: &Loaded) -> Vec<Finding> {
    let Some(config) = &loaded.config.keystone_limits else { return Vec::new() };
    match overview(config).await {
        Ok(overview) => findings(&overview, &config.access.section),
        Err(reason) => {
            // The reason names the option that is wrong and what to type.
            let sentence = format!("the limits of projects cannot be read: {reason}");
            vec![Finding::error(Neighbour::Identity, "LIMITS_LOGIN", sentence, String::new())]
        }
    }
}

async fn overview(config: &KeystoneLimitsConfig) -> Result<Overview, String> {
    let reader = LimitsReader::new(config).map_err(|error| error.to_string())?;
    reader.overview().await.map_err(|trouble| trouble.to_string())
}

fn findings(overview: &Overview, section: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let missing = Resource::ALL
        .into_iter()
        .filter(|resource| !overview.registered.iter().any(|name| name == resource.name()));
    findings.extend(missing.map(|resource| unregistered(resource, overview)));
    if !overview.sees_every_project {
        findings.push(warning(
            "LIMITS_SCOPE",
            format!("the account of [{section}] logs in for one project, and Keystone shows it the limits of no other"),
            format!("give it the role reader for the system and write `system_scope = all` into [{section}] in place of project_name"),
        ));
    }
    if overview.model != "flat" {
        findings.push(warning(
            "LIMITS_MODEL",
            format!(
                "Keystone's enforcement model is {}, and this service looks at each project alone: what the projects \
                 below it use is not counted",
                overview.model
            ),
            "write `enforcement_model = flat` into [unified_limit] of keystone.conf".to_owned(),
        ));
    }
    findings
}

fn unregistered(resource: Resource, overview: &Overview) -> Finding {
    let name = resource.name();
    let (effect, proposal) = match resource {
        Resource::ImageSizeTotal => ("uploads are refused once a project has a MiB of images", 10_000),
        Resource::ImageStageTotal => ("imports are refused once a MiB is staged", 10_000),
        Resource::ImageCountTotal => ("no image can be created", 100),
        Resource::ImageCountUploading => ("no data can be uploaded", 10),
    };
    let region = overview.endpoint.region_id.as_ref().map(|id| format!("--region {id} ")).unwrap_or_default();
    warning(
        "LIMITS_UNREGISTERED",
        format!("the limit {name} is not registered in Keystone and counts as 0: {effect}"),
        format!(
            "openstack registered limit create --service {} {region}--default-limit {proposal} {name}",
            overview.endpoint.service_id
        ),
    )
}

fn warning(code: &'static str, sentence: String, mend: String) -> Finding {
    Finding::error(Neighbour::Identity, code, sentence, mend).weighing(Severity::Warning)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::keystone::Endpoint;

    fn overview() -> Overview {
        Overview {
            endpoint: Endpoint { service_id: "s1".into(), region_id: Some("RegionOne".into()) },
            registered: Resource::ALL.map(|resource| resource.name().to_owned()).to_vec(),
            model: "flat".into(),
            sees_every_project: true,
        }
    }

    #[test]
    fn limits_that_are_all_there_are_nothing_to_tell() {
        assert_eq!(findings(&overview(), "oslo_limit"), []);
    }

    #[test]
    fn each_missing_limit_has_the_command_that_makes_it() {
        let registered = vec!["image_count_total".to_owned(), "image_size_total".to_owned()];
        let found = findings(&Overview { registered, ..overview() }, "oslo_limit");
        let mends: Vec<&str> = found.iter().map(|finding| finding.mend.as_str()).collect();
        assert_eq!(
            mends,
            [
                "openstack registered limit create --service s1 --region RegionOne --default-limit 10000 image_stage_total",
                "openstack registered limit create --service s1 --region RegionOne --default-limit 10 image_count_uploading",
            ]
        );
        assert!(found.iter().all(|finding| finding.severity == Severity::Warning));
    }

    #[test]
    fn a_narrow_login_and_another_model_are_told() {
        let overview = Overview { sees_every_project: false, model: "strict_two_level".into(), ..overview() };
        let codes: Vec<&str> = findings(&overview, "oslo_limit").iter().map(|found| found.code).collect();
        assert_eq!(codes, ["LIMITS_SCOPE", "LIMITS_MODEL"]);
    }
}
