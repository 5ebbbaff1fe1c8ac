/*
 * zwevent.c: events as objects with handles, waits on handles, and threads by handle.
 *
 * Called by drivers at PASSIVE_LEVEL. An event object is a KEVENT in an object's body; it may have
 * a name. Everything else is the dispatcher's.
 */
#include "nt/ob.h"

/* ---- events ---------------------------------------------------------------------------------- */

NTSTATUS NTAPI ZwCreateEvent(PHANDLE EventHandle, ACCESS_MASK DesiredAccess,
                             POBJECT_ATTRIBUTES ObjectAttributes, EVENT_TYPE EventType,
                             BOOLEAN InitialState)
{
    DDI_ENTER(ZwCreateEvent);
    PUNICODE_STRING name = ObjectAttributes ? ObjectAttributes->ObjectName : NULL;
    NTSTATUS status = STATUS_SUCCESS;
    PKEVENT event;
    UNREFERENCED_PARAMETER(DesiredAccess);

    *EventHandle = NULL;
    if (EventType != NotificationEvent && EventType != SynchronizationEvent)
        return STATUS_INVALID_PARAMETER;
    if (host_choose(2, HOST_CHOOSE_FAULT, "ZwCreateEvent"))
        return STATUS_INSUFFICIENT_RESOURCES;
    event = ObpAllocateBody(&ObpEventType, sizeof *event);
    if (!event)
        return STATUS_INSUFFICIENT_RESOURCES;
    KeInitializeEvent(event, EventType, InitialState);
    if (name && name->Length)
        status = ObpInsertName(event, name);
    if (status == STATUS_OBJECT_NAME_COLLISION && (ObjectAttributes->Attributes & OBJ_OPENIF)) {
        PVOID other;
        ObfDereferenceObject(event);
        status = ObpLookupName(name, &ObpEventType, FALSE, NULL, &other);
        if (!NT_SUCCESS(status))
            return status;
        status = ObpCreateHandle(other, &ObpEventType, EventHandle, __builtin_return_address(0));
        ObfDereferenceObject(other);
        return NT_SUCCESS(status) ? STATUS_OBJECT_NAME_EXISTS : status;
    }
    if (NT_SUCCESS(status))
        status = ObpCreateHandle(event, &ObpEventType, EventHandle, __builtin_return_address(0));
    ObfDereferenceObject(event);
    return status;
}

NTSTATUS NTAPI ZwOpenEvent(PHANDLE EventHandle, ACCESS_MASK DesiredAccess,
                           POBJECT_ATTRIBUTES ObjectAttributes)
{
    DDI_ENTER(ZwOpenEvent);
    PVOID event;
    NTSTATUS status;
    UNREFERENCED_PARAMETER(DesiredAccess);

    *EventHandle = NULL;
    if (!ObjectAttributes->ObjectName)
        return STATUS_INVALID_PARAMETER;
    status = ObpLookupName(ObjectAttributes->ObjectName, &ObpEventType, FALSE, NULL, &event);
    if (!NT_SUCCESS(status))
        return status;
    status = ObpCreateHandle(event, &ObpEventType, EventHandle, __builtin_return_address(0));
    ObfDereferenceObject(event);
    return status;
}

static NTSTATUS Change(HANDLE handle, PLONG previous, LONG(NTAPI *change)(PRKEVENT Event))
{
    PVOID event;
    LONG before;
    NTSTATUS status = ObpReferenceHandle(handle, &ObpEventType, &event);

    if (!NT_SUCCESS(status))
        return status;
    before = change(event);
    if (previous)
        *previous = before;
    ObfDereferenceObject(event);
    return STATUS_SUCCESS;
}

static LONG NTAPI Set(PRKEVENT Event)
{
    return KeSetEvent(Event, EVENT_INCREMENT, FALSE);
}

NTSTATUS NTAPI ZwSetEvent(HANDLE EventHandle, PLONG PreviousState)
{
    DDI_ENTER(ZwSetEvent);
    return Change(EventHandle, PreviousState, Set);
}

NTSTATUS NTAPI ZwResetEvent(HANDLE EventHandle, PLONG PreviousState)
{
    DDI_ENTER(ZwResetEvent);
    return Change(EventHandle, PreviousState, KeResetEvent);
}

NTSTATUS NTAPI ZwClearEvent(HANDLE EventHandle)
{
    DDI_ENTER(ZwClearEvent);
    return Change(EventHandle, NULL, KeResetEvent);
}

/* ---- waits ----------------------------------------------------------------------------------- */

NTSTATUS NTAPI ZwWaitForSingleObject(HANDLE Handle, BOOLEAN Alertable, PLARGE_INTEGER Timeout)
{
    DDI_ENTER(ZwWaitForSingleObject);
    PVOID body, object;
    POBJECT_TYPE type;
    NTSTATUS status = ObpReferenceHandle(Handle, NULL, &body);

    if (!NT_SUCCESS(status))
        return status;
    type = ObpTypeOf(body);
    object = type == &ObpFileType ? &((PFILE_OBJECT)body)->Event : body;
    if (type == &ObpFileType || type == &ObpEventType || type == &ObpThreadType ||
        type == &ObpProcessType)
        status = KeWaitForSingleObject(object, UserRequest, KernelMode, Alertable, Timeout);
    else
        status = STATUS_OBJECT_TYPE_MISMATCH;
    ObfDereferenceObject(body);
    return status;
}

/* ---- threads --------------------------------------------------------------------------------- */

NTSTATUS NTAPI ZwSetInformationThread(HANDLE ThreadHandle, THREADINFOCLASS ThreadInformationClass,
                                      PVOID ThreadInformation, ULONG ThreadInformationLength)
{
    DDI_ENTER(ZwSetInformationThread);
    PVOID thread;
    NTSTATUS status;

    if (ThreadInformationClass != ThreadPriority && ThreadInformationClass != ThreadBasePriority)
        return STATUS_INVALID_INFO_CLASS;
    if (ThreadInformationLength != sizeof(LONG))
        return STATUS_INFO_LENGTH_MISMATCH;
    status = ObpReferenceHandle(ThreadHandle, &ObpThreadType, &thread);
    if (!NT_SUCCESS(status))
        return status;
    if (ThreadInformationClass == ThreadPriority)
        KeSetPriorityThread(thread, *(KPRIORITY *)ThreadInformation);
    else
        KeSetBasePriorityThread(thread, *(LONG *)ThreadInformation);
    ObfDereferenceObject(thread);
    return STATUS_SUCCESS;
}
