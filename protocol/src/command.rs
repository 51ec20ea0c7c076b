//! Programs and their grants on the wire.

use std::collections::BTreeSet;

use stoa_model::command::{
    Access, CommandInfo, DirectoryGrant, Grants, NamedProgram, NetworkGrant, Upload,
};
use stoa_model::limits::{ARGUMENT_BYTES_MAX, ENTRIES_MAX};

use crate::door::{each, list, optional, path, specified, value, within};
use crate::limits::{HOST_BYTES_MAX, NAME_BYTES_MAX};
use crate::malformed::Malformed;
use crate::pb;
use crate::wire::{Wire, list_to_proto, option_to_proto};

impl Wire for CommandInfo {
    type Proto = pb::CommandInfo;

    fn to_proto(&self) -> pb::CommandInfo {
        pb::CommandInfo {
            program: self.program.to_proto(),
            name: self.name.clone(),
            arguments: self.arguments.clone(),
            environment: environment_to_proto(&self.environment),
            grants: Some(self.grants.to_proto()),
        }
    }

    fn from_proto(proto: pb::CommandInfo) -> Result<Self, Malformed> {
        check_argument_bytes(&proto)?;
        Ok(Self {
            program: value("program", proto.program)?,
            name: without_nul(proto.name).map_err(|malformed| malformed.inside("name"))?,
            arguments: each("arguments", proto.arguments, ARGUMENT_BYTES_MAX, without_nul)?,
            environment: each("environment", proto.environment, ENTRIES_MAX, variable)?,
            grants: optional("grants", proto.grants)?.unwrap_or_default(),
        })
    }
}

impl Wire for Grants {
    type Proto = pb::Grants;

    fn to_proto(&self) -> pb::Grants {
        pb::Grants {
            stdin: option_to_proto(&self.stdin),
            directories: list_to_proto(&self.directories),
            uploads: list_to_proto(&self.uploads),
            downloads: self.downloads.clone(),
            network: list_to_proto(&self.network),
        }
    }

    fn from_proto(proto: pb::Grants) -> Result<Self, Malformed> {
        Ok(Self {
            stdin: optional("stdin", proto.stdin)?,
            directories: list("directories", proto.directories, ENTRIES_MAX)?,
            uploads: list("uploads", proto.uploads, ENTRIES_MAX)?,
            downloads: each("downloads", proto.downloads, ENTRIES_MAX, path)?,
            network: list("network", proto.network, ENTRIES_MAX)?,
        })
    }
}

impl Wire for NamedProgram {
    type Proto = pb::NamedProgram;

    fn to_proto(&self) -> pb::NamedProgram {
        pb::NamedProgram { name: self.name.clone(), program: self.program.to_proto() }
    }

    fn from_proto(proto: pb::NamedProgram) -> Result<Self, Malformed> {
        if !(1..=NAME_BYTES_MAX).contains(&proto.name.len()) {
            let allowed = format!("a name of 1 to {NAME_BYTES_MAX} bytes");
            return Err(Malformed::text(&proto.name, allowed).inside("name"));
        }
        let name = without_nul(proto.name).map_err(|malformed| malformed.inside("name"))?;
        Ok(Self { name, program: value("program", proto.program)? })
    }
}

/// The field `programs` of the messages that have one: no name stands twice.
pub(crate) fn programs(programs: Vec<pb::NamedProgram>) -> Result<Vec<NamedProgram>, Malformed> {
    let programs: Vec<NamedProgram> = list("programs", programs, ENTRIES_MAX)?;
    let mut names = BTreeSet::new();
    match programs.iter().position(|named| !names.insert(&named.name)) {
        Some(index) => {
            let twice = Malformed::text(&programs[index].name, "each name once");
            Err(twice.inside("name").at(index).inside("programs"))
        }
        None => Ok(programs),
    }
}

/// The field `environment` of a task for an executor.
pub(crate) fn environment(
    environment: Vec<pb::Variable>,
) -> Result<Vec<(String, String)>, Malformed> {
    let bytes = environment_bytes(&environment);
    if bytes > ARGUMENT_BYTES_MAX {
        let allowed = format!("at most {ARGUMENT_BYTES_MAX} bytes");
        return Err(Malformed::here(format!("{bytes} bytes long"), allowed).inside("environment"));
    }
    each("environment", environment, ENTRIES_MAX, variable)
}

pub(crate) fn environment_to_proto(environment: &[(String, String)]) -> Vec<pb::Variable> {
    let variable = |(name, value): &(String, String)| pb::Variable {
        name: name.clone(),
        value: value.clone(),
    };
    environment.iter().map(variable).collect()
}

fn environment_bytes(environment: &[pb::Variable]) -> usize {
    environment.iter().map(|variable| variable.name.len() + variable.value.len() + 2).sum()
}

/// Name, arguments and environment share one bound, each text with the byte that ends it.
fn check_argument_bytes(proto: &pb::CommandInfo) -> Result<(), Malformed> {
    let arguments = proto.arguments.iter().map(|argument| argument.len() + 1);
    let bytes =
        proto.name.len() + 1 + arguments.sum::<usize>() + environment_bytes(&proto.environment);
    if bytes <= ARGUMENT_BYTES_MAX {
        return Ok(());
    }
    let got = format!("{bytes} bytes long, with the name and the environment");
    let allowed = format!("at most {ARGUMENT_BYTES_MAX} bytes");
    Err(Malformed::here(got, allowed).inside("arguments"))
}

fn without_nul(text: String) -> Result<String, Malformed> {
    if text.contains('\0') {
        return Err(Malformed::text(&text, "a text without NUL"));
    }
    Ok(text)
}

fn variable(proto: pb::Variable) -> Result<(String, String), Malformed> {
    if proto.name.is_empty() || proto.name.contains(['=', '\0']) {
        let allowed = "a name that is not empty, without '=' and NUL";
        return Err(Malformed::text(&proto.name, allowed).inside("name"));
    }
    let value = without_nul(proto.value).map_err(|malformed| malformed.inside("value"))?;
    Ok((proto.name, value))
}

impl Wire for Access {
    type Proto = i32;

    fn to_proto(&self) -> i32 {
        match self {
            Self::ReadOnly => pb::Access::ReadOnly.into(),
            Self::ReadWrite => pb::Access::ReadWrite.into(),
        }
    }

    fn from_proto(proto: i32) -> Result<Self, Malformed> {
        specified(proto, &[Self::ReadOnly, Self::ReadWrite])
    }
}

impl Wire for DirectoryGrant {
    type Proto = pb::DirectoryGrant;

    fn to_proto(&self) -> pb::DirectoryGrant {
        pb::DirectoryGrant {
            host_path: self.host_path.clone(),
            guest_path: self.guest_path.clone(),
            access: self.access.to_proto(),
        }
    }

    fn from_proto(proto: pb::DirectoryGrant) -> Result<Self, Malformed> {
        Ok(Self {
            host_path: path(proto.host_path).map_err(|malformed| malformed.inside("host_path"))?,
            guest_path: guest_path(proto.guest_path)?,
            access: value("access", proto.access)?,
        })
    }
}

impl Wire for Upload {
    type Proto = pb::Upload;

    fn to_proto(&self) -> pb::Upload {
        pb::Upload { archive: self.archive.to_proto(), guest_path: self.guest_path.clone() }
    }

    fn from_proto(proto: pb::Upload) -> Result<Self, Malformed> {
        Ok(Self {
            archive: value("archive", proto.archive)?,
            guest_path: guest_path(proto.guest_path)?,
        })
    }
}

/// The field `guest_path` of the messages that have one.
pub(crate) fn guest_path(guest_path: String) -> Result<String, Malformed> {
    path(guest_path).map_err(|malformed| malformed.inside("guest_path"))
}

impl Wire for NetworkGrant {
    type Proto = pb::NetworkGrant;

    fn to_proto(&self) -> pb::NetworkGrant {
        pb::NetworkGrant { host: self.host.clone(), port: self.port.into() }
    }

    fn from_proto(proto: pb::NetworkGrant) -> Result<Self, Malformed> {
        let is_outside = |c: char| c.is_whitespace() || c.is_control() || "/[]".contains(c);
        if !(1..=HOST_BYTES_MAX).contains(&proto.host.len()) || proto.host.contains(is_outside) {
            let allowed = format!(
                "a name or an address of 1 to {HOST_BYTES_MAX} bytes without spaces, '/' and \
                 brackets, such as db.example.com"
            );
            return Err(Malformed::text(&proto.host, allowed).inside("host"));
        }
        within("port", proto.port, 1, u32::from(u16::MAX))?;
        let port = u16::try_from(proto.port).expect("the line above checked the port");
        Ok(Self { host: proto.host, port })
    }
}
