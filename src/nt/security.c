/*
 * security.c: security descriptors, access lists and SIDs, and the subject that drivers capture.
 *
 * Called by drivers. There is one user, the local system, who may do anything: subject contexts
 * carry no token, and descriptors are built, copied and measured truly, but never keep anybody out.
 * Nothing here has state of its own.
 */
#include "nt/mi.h"

#include <string.h>

#define SECURITY_TAG 'dSeS'

/* ---- SIDs ------------------------------------------------------------------------------------ */

BOOLEAN NTAPI RtlValidSid(PSID Sid)
{
    DDI_ENTER(RtlValidSid);
    PISID sid = Sid;

    return sid && (sid->Revision & 0xf) == SID_REVISION &&
           sid->SubAuthorityCount <= SID_MAX_SUB_AUTHORITIES;
}

ULONG NTAPI RtlLengthRequiredSid(ULONG SubAuthorityCount)
{
    DDI_ENTER(RtlLengthRequiredSid);
    return FIELD_OFFSET(SID, SubAuthority) + SubAuthorityCount * sizeof(ULONG);
}

static ULONG SidLength(PSID sid)
{
    return FIELD_OFFSET(SID, SubAuthority) + ((PISID)sid)->SubAuthorityCount * sizeof(ULONG);
}

ULONG NTAPI RtlLengthSid(PSID Sid)
{
    DDI_ENTER(RtlLengthSid);
    return SidLength(Sid);
}

NTSTATUS NTAPI RtlInitializeSid(PSID Sid, PSID_IDENTIFIER_AUTHORITY IdentifierAuthority,
                                UCHAR SubAuthorityCount)
{
    DDI_ENTER(RtlInitializeSid);
    PISID sid = Sid;

    if (SubAuthorityCount > SID_MAX_SUB_AUTHORITIES)
        return STATUS_INVALID_PARAMETER;
    sid->Revision = SID_REVISION;
    sid->SubAuthorityCount = SubAuthorityCount;
    sid->IdentifierAuthority = *IdentifierAuthority;
    return STATUS_SUCCESS;
}

PULONG NTAPI RtlSubAuthoritySid(PSID Sid, ULONG SubAuthority)
{
    DDI_ENTER(RtlSubAuthoritySid);
    return (PULONG)((PUCHAR)Sid + FIELD_OFFSET(SID, SubAuthority)) + SubAuthority;
}

BOOLEAN NTAPI RtlEqualSid(PSID Sid1, PSID Sid2)
{
    DDI_ENTER(RtlEqualSid);
    return SidLength(Sid1) == SidLength(Sid2) && !memcmp(Sid1, Sid2, SidLength(Sid1));
}

NTSTATUS NTAPI RtlCopySid(ULONG DestinationSidLength, PSID DestinationSid, PSID SourceSid)
{
    DDI_ENTER(RtlCopySid);

    if (SidLength(SourceSid) > DestinationSidLength)
        return STATUS_BUFFER_TOO_SMALL;
    memcpy(DestinationSid, SourceSid, SidLength(SourceSid));
    return STATUS_SUCCESS;
}

/* ---- access lists ---------------------------------------------------------------------------- */

NTSTATUS NTAPI RtlCreateAcl(PACL Acl, ULONG AclLength, ULONG AclRevision)
{
    DDI_ENTER(RtlCreateAcl);

    if (AclLength < sizeof *Acl)
        return STATUS_BUFFER_TOO_SMALL;
    if (AclLength > MAXUSHORT || AclRevision < ACL_REVISION2 || AclRevision > ACL_REVISION4)
        return STATUS_INVALID_PARAMETER;
    *Acl = (ACL){ .AclRevision = (UCHAR)AclRevision, .AclSize = (USHORT)(AclLength & ~3u) };
    return STATUS_SUCCESS;
}

/* The bytes in use; 0 when the entries do not lie in the list. */
static ULONG AclBytes(PACL acl)
{
    ULONG used = sizeof *acl;

    if (acl->AclSize < sizeof *acl)
        return 0;
    for (USHORT i = 0; i < acl->AceCount; i++) {
        PACE_HEADER ace = (PACE_HEADER)((PUCHAR)acl + used);
        if (used + sizeof *ace > acl->AclSize || ace->AceSize < sizeof *ace ||
            used + ace->AceSize > acl->AclSize)
            return 0;
        used += ace->AceSize;
    }
    return used;
}

NTSTATUS NTAPI RtlAddAccessAllowedAce(PACL Acl, ULONG AceRevision, ACCESS_MASK AccessMask, PSID Sid)
{
    DDI_ENTER(RtlAddAccessAllowedAce);
    ULONG used = AclBytes(Acl);
    ULONG size = FIELD_OFFSET(ACCESS_ALLOWED_ACE, SidStart) + SidLength(Sid);
    ACCESS_ALLOWED_ACE ace = { .Header = { ACCESS_ALLOWED_ACE_TYPE, 0, (USHORT)size },
                               .Mask = AccessMask };

    if (!((PISID)Sid)->Revision || ((PISID)Sid)->SubAuthorityCount > SID_MAX_SUB_AUTHORITIES)
        return STATUS_INVALID_SID;
    if (!used)
        return STATUS_INVALID_ACL;
    if (AceRevision > ACL_REVISION4)
        return STATUS_REVISION_MISMATCH;
    if (used + size > Acl->AclSize)
        return STATUS_ALLOTTED_SPACE_EXCEEDED;
    memcpy((PUCHAR)Acl + used, &ace, FIELD_OFFSET(ACCESS_ALLOWED_ACE, SidStart));
    memcpy((PUCHAR)Acl + used + FIELD_OFFSET(ACCESS_ALLOWED_ACE, SidStart), Sid, SidLength(Sid));
    Acl->AceCount++;
    if (Acl->AclRevision < AceRevision)
        Acl->AclRevision = (UCHAR)AceRevision;
    return STATUS_SUCCESS;
}

/* ---- descriptors ----------------------------------------------------------------------------- */

/* The parts of a descriptor of either form; NULL for what it has not. */
typedef struct _PARTS {
    PSID Owner;
    PSID Group;
    PACL Sacl;
    PACL Dacl;
} PARTS;

static PVOID At(PVOID base, ULONG offset)
{
    return offset ? (PUCHAR)base + offset : NULL;
}

static PARTS PartsOf(PSECURITY_DESCRIPTOR descriptor)
{
    PISECURITY_DESCRIPTOR absolute = descriptor;
    PISECURITY_DESCRIPTOR_RELATIVE relative = descriptor;
    PARTS parts;

    if (absolute->Control & SE_SELF_RELATIVE)
        parts = (PARTS){ At(relative, relative->Owner), At(relative, relative->Group),
                         At(relative, relative->Sacl), At(relative, relative->Dacl) };
    else
        parts = (PARTS){ absolute->Owner, absolute->Group, absolute->Sacl, absolute->Dacl };
    if (!(absolute->Control & SE_SACL_PRESENT))
        parts.Sacl = NULL;
    if (!(absolute->Control & SE_DACL_PRESENT))
        parts.Dacl = NULL;
    return parts;
}

NTSTATUS NTAPI RtlCreateSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, ULONG Revision)
{
    DDI_ENTER(RtlCreateSecurityDescriptor);

    if (Revision != SECURITY_DESCRIPTOR_REVISION)
        return STATUS_UNKNOWN_REVISION;
    *(PISECURITY_DESCRIPTOR)SecurityDescriptor =
        (SECURITY_DESCRIPTOR){ .Revision = SECURITY_DESCRIPTOR_REVISION };
    return STATUS_SUCCESS;
}

static BOOLEAN IsValid(PSECURITY_DESCRIPTOR descriptor)
{
    PISECURITY_DESCRIPTOR d = descriptor;
    PARTS parts;

    if (!d || d->Revision != SECURITY_DESCRIPTOR_REVISION)
        return FALSE;
    parts = PartsOf(d);
    return (!parts.Owner || RtlValidSid(parts.Owner)) &&
           (!parts.Group || RtlValidSid(parts.Group)) && (!parts.Sacl || AclBytes(parts.Sacl)) &&
           (!parts.Dacl || AclBytes(parts.Dacl));
}

BOOLEAN NTAPI RtlValidSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor)
{
    DDI_ENTER(RtlValidSecurityDescriptor);
    return IsValid(SecurityDescriptor);
}

static ULONG Padded(ULONG length)
{
    return (length + 3) & ~3u;
}

static ULONG PartsLength(const PARTS *parts)
{
    return (parts->Owner ? Padded(SidLength(parts->Owner)) : 0) +
           (parts->Group ? Padded(SidLength(parts->Group)) : 0) +
           (parts->Sacl ? Padded(parts->Sacl->AclSize) : 0) +
           (parts->Dacl ? Padded(parts->Dacl->AclSize) : 0);
}

ULONG NTAPI RtlLengthSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor)
{
    DDI_ENTER(RtlLengthSecurityDescriptor);
    PISECURITY_DESCRIPTOR d = SecurityDescriptor;
    PARTS parts = PartsOf(d);

    return PartsLength(&parts) + (ULONG)(d->Control & SE_SELF_RELATIVE
                                             ? sizeof(SECURITY_DESCRIPTOR_RELATIVE)
                                             : sizeof(SECURITY_DESCRIPTOR));
}

BOOLEAN NTAPI SeValidSecurityDescriptor(ULONG Length, PSECURITY_DESCRIPTOR SecurityDescriptor)
{
    DDI_ENTER(SeValidSecurityDescriptor);
    PISECURITY_DESCRIPTOR_RELATIVE d = SecurityDescriptor;
    ULONG offsets[4];

    if (Length < sizeof *d || d->Revision != SECURITY_DESCRIPTOR_REVISION ||
        !(d->Control & SE_SELF_RELATIVE))
        return FALSE;
    offsets[0] = d->Owner;
    offsets[1] = d->Group;
    offsets[2] = d->Sacl;
    offsets[3] = d->Dacl;
    /* The smallest part, a list or a SID without anything, has 8 bytes. */
    for (ULONG i = 0; i < 4; i++) {
        if (offsets[i] && (offsets[i] < sizeof *d || offsets[i] > Length - 8))
            return FALSE;
    }
    for (ULONG i = 0; i < 4; i++) {
        PVOID part = At(d, offsets[i]);
        ULONG size = !part ? 0 : i < 2 ? SidLength(part) : ((PACL)part)->AclSize;
        if (size > Length - offsets[i])
            return FALSE;
    }
    return IsValid(d);
}

NTSTATUS NTAPI RtlSetDaclSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor,
                                            BOOLEAN DaclPresent, PACL Dacl, BOOLEAN DaclDefaulted)
{
    DDI_ENTER(RtlSetDaclSecurityDescriptor);
    PISECURITY_DESCRIPTOR d = SecurityDescriptor;

    if (d->Revision != SECURITY_DESCRIPTOR_REVISION)
        return STATUS_UNKNOWN_REVISION;
    if (d->Control & SE_SELF_RELATIVE)
        return STATUS_INVALID_SECURITY_DESCR;
    d->Control &= (USHORT) ~(SE_DACL_PRESENT | SE_DACL_DEFAULTED);
    d->Dacl = NULL;
    if (DaclPresent) {
        d->Control |= SE_DACL_PRESENT | (DaclDefaulted ? SE_DACL_DEFAULTED : 0);
        d->Dacl = Dacl;
    }
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlGetDaclSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor,
                                            PBOOLEAN DaclPresent, PACL *Dacl,
                                            PBOOLEAN DaclDefaulted)
{
    DDI_ENTER(RtlGetDaclSecurityDescriptor);
    PISECURITY_DESCRIPTOR d = SecurityDescriptor;

    if (d->Revision != SECURITY_DESCRIPTOR_REVISION)
        return STATUS_UNKNOWN_REVISION;
    *DaclPresent = (d->Control & SE_DACL_PRESENT) != 0;
    if (*DaclPresent) {
        *Dacl = PartsOf(d).Dacl;
        *DaclDefaulted = (d->Control & SE_DACL_DEFAULTED) != 0;
    }
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlSetOwnerSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, PSID Owner,
                                             BOOLEAN OwnerDefaulted)
{
    DDI_ENTER(RtlSetOwnerSecurityDescriptor);
    PISECURITY_DESCRIPTOR d = SecurityDescriptor;

    if (d->Revision != SECURITY_DESCRIPTOR_REVISION)
        return STATUS_UNKNOWN_REVISION;
    if (d->Control & SE_SELF_RELATIVE)
        return STATUS_INVALID_SECURITY_DESCR;
    d->Owner = Owner;
    d->Control &= (USHORT)~SE_OWNER_DEFAULTED;
    if (OwnerDefaulted)
        d->Control |= SE_OWNER_DEFAULTED;
    return STATUS_SUCCESS;
}

/* ---- subjects, and descriptors of new objects ------------------------------------------------ */

VOID NTAPI SeCaptureSubjectContext(PSECURITY_SUBJECT_CONTEXT SubjectContext)
{
    DDI_ENTER(SeCaptureSubjectContext);
    *SubjectContext = (SECURITY_SUBJECT_CONTEXT){ .ImpersonationLevel = SecurityAnonymous,
                                                  .PrimaryToken = PsInitialSystemProcess };
}

VOID NTAPI SeReleaseSubjectContext(PSECURITY_SUBJECT_CONTEXT SubjectContext)
{
    DDI_ENTER(SeReleaseSubjectContext);
    *SubjectContext = (SECURITY_SUBJECT_CONTEXT){ 0 };
}

static ULONG Append(PUCHAR base, ULONG *end, const void *part, ULONG length)
{
    ULONG offset = *end;

    if (!part)
        return 0;
    memcpy(base + offset, part, length);
    *end += Padded(length);
    return offset;
}

/* The local system: S-1-5-18. */
static SID LocalSystem = {
    SID_REVISION, 1, { SECURITY_NT_AUTHORITY }, { SECURITY_LOCAL_SYSTEM_RID }
};

/* The explicit descriptor's parts come first, then what the parent has, then the subject's. */
NTSTATUS NTAPI SeAssignSecurity(PSECURITY_DESCRIPTOR ParentDescriptor,
                                PSECURITY_DESCRIPTOR ExplicitDescriptor,
                                PSECURITY_DESCRIPTOR *NewDescriptor, BOOLEAN IsDirectoryObject,
                                PSECURITY_SUBJECT_CONTEXT SubjectContext,
                                PGENERIC_MAPPING GenericMapping, POOL_TYPE PoolType)
{
    DDI_ENTER(SeAssignSecurity);
    PARTS parts = { 0 }, parent = { 0 };
    PISECURITY_DESCRIPTOR_RELATIVE made;
    ULONG end = sizeof *made;
    UNREFERENCED_PARAMETER(IsDirectoryObject);
    UNREFERENCED_PARAMETER(SubjectContext);
    UNREFERENCED_PARAMETER(GenericMapping);
    UNREFERENCED_PARAMETER(PoolType);

    *NewDescriptor = NULL;
    if ((ExplicitDescriptor && !IsValid(ExplicitDescriptor)) ||
        (ParentDescriptor && !IsValid(ParentDescriptor)))
        return STATUS_INVALID_SECURITY_DESCR;
    if (ExplicitDescriptor)
        parts = PartsOf(ExplicitDescriptor);
    if (ParentDescriptor)
        parent = PartsOf(ParentDescriptor);
    parts.Owner = parts.Owner ? parts.Owner : parent.Owner ? parent.Owner : (PSID)&LocalSystem;
    parts.Group = parts.Group ? parts.Group : parent.Group ? parent.Group : (PSID)&LocalSystem;
    parts.Dacl = parts.Dacl ? parts.Dacl : parent.Dacl;
    made = ExpAllocatePool(end + PartsLength(&parts), 0, SECURITY_TAG, TRUE,
                           __builtin_return_address(0));
    if (!made)
        return STATUS_INSUFFICIENT_RESOURCES;
    made->Revision = SECURITY_DESCRIPTOR_REVISION;
    made->Control =
        SE_SELF_RELATIVE | (parts.Dacl ? SE_DACL_PRESENT : 0) | (parts.Sacl ? SE_SACL_PRESENT : 0);
    made->Owner = Append((PUCHAR)made, &end, parts.Owner, SidLength(parts.Owner));
    made->Group = Append((PUCHAR)made, &end, parts.Group, SidLength(parts.Group));
    made->Sacl = Append((PUCHAR)made, &end, parts.Sacl, parts.Sacl ? parts.Sacl->AclSize : 0);
    made->Dacl = Append((PUCHAR)made, &end, parts.Dacl, parts.Dacl ? parts.Dacl->AclSize : 0);
    *NewDescriptor = made;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI SeDeassignSecurity(PSECURITY_DESCRIPTOR *SecurityDescriptor)
{
    DDI_ENTER(SeDeassignSecurity);

    if (*SecurityDescriptor)
        ExpFreePool(*SecurityDescriptor, 0, "SeDeassignSecurity", __builtin_return_address(0));
    *SecurityDescriptor = NULL;
    return STATUS_SUCCESS;
}
