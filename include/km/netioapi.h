/*
 * netioapi.h: interfaces, addresses and routes of the machine: the types and functions that
 * drivers with WSK use. The functions are declared only: a driver that calls one and does not
 * bring it along does not load, and the loader names it.
 */
#ifndef OPENWSK_NETIOAPI_H
#define OPENWSK_NETIOAPI_H
#define _NETIOAPI_H_

#include "wdm.h"
#include "ws2def.h"
#include "ws2ipdef.h"
#include "ifdef.h"
#include "nldef.h"

OW_BEGIN_C

#define NETIO_STATUS     NTSTATUS
#define NETIO_SUCCESS(x) NT_SUCCESS(x)
#ifndef NETIOAPI_API
#define NETIOAPI_API NTKERNELAPI NTSTATUS NTAPI
#endif
#ifndef ANY_SIZE
#define ANY_SIZE 1
#endif

typedef enum _MIB_NOTIFICATION_TYPE {
    MibParameterNotification,
    MibAddInstance,
    MibDeleteInstance,
    MibInitialNotification
} MIB_NOTIFICATION_TYPE,
    *PMIB_NOTIFICATION_TYPE;

typedef struct _MIB_UNICASTIPADDRESS_ROW {
    SOCKADDR_INET Address;
    NET_LUID InterfaceLuid;
    NET_IFINDEX InterfaceIndex;
    NL_PREFIX_ORIGIN PrefixOrigin;
    NL_SUFFIX_ORIGIN SuffixOrigin;
    ULONG ValidLifetime;
    ULONG PreferredLifetime;
    UCHAR OnLinkPrefixLength;
    BOOLEAN SkipAsSource;
    NL_DAD_STATE DadState;
    SCOPE_ID ScopeId;
    LARGE_INTEGER CreationTimeStamp;
} MIB_UNICASTIPADDRESS_ROW, *PMIB_UNICASTIPADDRESS_ROW;
typedef struct _MIB_UNICASTIPADDRESS_TABLE {
    ULONG NumEntries;
    MIB_UNICASTIPADDRESS_ROW Table[ANY_SIZE];
} MIB_UNICASTIPADDRESS_TABLE, *PMIB_UNICASTIPADDRESS_TABLE;

typedef struct _IP_ADDRESS_PREFIX {
    SOCKADDR_INET Prefix;
    UCHAR PrefixLength;
} IP_ADDRESS_PREFIX, *PIP_ADDRESS_PREFIX;
typedef struct _MIB_IPFORWARD_ROW2 {
    NET_LUID InterfaceLuid;
    NET_IFINDEX InterfaceIndex;
    IP_ADDRESS_PREFIX DestinationPrefix;
    SOCKADDR_INET NextHop;
    UCHAR SitePrefixLength;
    ULONG ValidLifetime;
    ULONG PreferredLifetime;
    ULONG Metric;
    NL_ROUTE_PROTOCOL Protocol;
    BOOLEAN Loopback;
    BOOLEAN AutoconfigureAddress;
    BOOLEAN Publish;
    BOOLEAN Immortal;
    ULONG Age;
    NL_ROUTE_ORIGIN Origin;
} MIB_IPFORWARD_ROW2, *PMIB_IPFORWARD_ROW2;
typedef struct _MIB_IPFORWARD_TABLE2 {
    ULONG NumEntries;
    MIB_IPFORWARD_ROW2 Table[ANY_SIZE];
} MIB_IPFORWARD_TABLE2, *PMIB_IPFORWARD_TABLE2;

typedef struct _MIB_IPINTERFACE_ROW {
    ADDRESS_FAMILY Family;
    NET_LUID InterfaceLuid;
    NET_IFINDEX InterfaceIndex;
    ULONG MaxReassemblySize;
    ULONG64 InterfaceIdentifier;
    ULONG MinRouterAdvertisementInterval;
    ULONG MaxRouterAdvertisementInterval;
    BOOLEAN AdvertisingEnabled;
    BOOLEAN ForwardingEnabled;
    BOOLEAN WeakHostSend;
    BOOLEAN WeakHostReceive;
    BOOLEAN UseAutomaticMetric;
    BOOLEAN UseNeighborUnreachabilityDetection;
    BOOLEAN ManagedAddressConfigurationSupported;
    BOOLEAN OtherStatefulConfigurationSupported;
    BOOLEAN AdvertiseDefaultRoute;
    NL_ROUTER_DISCOVERY_BEHAVIOR RouterDiscoveryBehavior;
    ULONG DadTransmits;
    ULONG BaseReachableTime;
    ULONG RetransmitTime;
    ULONG PathMtuDiscoveryTimeout;
    NL_LINK_LOCAL_ADDRESS_BEHAVIOR LinkLocalAddressBehavior;
    ULONG LinkLocalAddressTimeout;
    ULONG ZoneIndices[ScopeLevelCount];
    ULONG SitePrefixLength;
    ULONG Metric;
    ULONG NlMtu;
    BOOLEAN Connected;
    BOOLEAN SupportsWakeUpPatterns;
    BOOLEAN SupportsNeighborDiscovery;
    BOOLEAN SupportsRouterDiscovery;
    ULONG ReachableTime;
    NL_INTERFACE_OFFLOAD_ROD TransmitOffload;
    NL_INTERFACE_OFFLOAD_ROD ReceiveOffload;
    BOOLEAN DisableDefaultRoutes;
} MIB_IPINTERFACE_ROW, *PMIB_IPINTERFACE_ROW;
typedef struct _MIB_IPINTERFACE_TABLE {
    ULONG NumEntries;
    MIB_IPINTERFACE_ROW Table[ANY_SIZE];
} MIB_IPINTERFACE_TABLE, *PMIB_IPINTERFACE_TABLE;

typedef struct _MIB_IF_ROW2 {
    NET_LUID InterfaceLuid;
    NET_IFINDEX InterfaceIndex;
    GUID InterfaceGuid;
    WCHAR Alias[IF_MAX_STRING_SIZE + 1];
    WCHAR Description[IF_MAX_STRING_SIZE + 1];
    ULONG PhysicalAddressLength;
    UCHAR PhysicalAddress[IF_MAX_PHYS_ADDRESS_LENGTH];
    UCHAR PermanentPhysicalAddress[IF_MAX_PHYS_ADDRESS_LENGTH];
    ULONG Mtu;
    ULONG Type;
    ULONG TunnelType;
    ULONG MediaType;
    ULONG PhysicalMediumType;
    ULONG AccessType;
    ULONG DirectionType;
    struct {
        BOOLEAN HardwareInterface : 1;
        BOOLEAN FilterInterface : 1;
        BOOLEAN ConnectorPresent : 1;
        BOOLEAN NotAuthenticated : 1;
        BOOLEAN NotMediaConnected : 1;
        BOOLEAN Paused : 1;
        BOOLEAN LowPower : 1;
        BOOLEAN EndPointInterface : 1;
    } InterfaceAndOperStatusFlags;
    IF_OPER_STATUS OperStatus;
    ULONG AdminStatus;
    ULONG MediaConnectState;
    GUID NetworkGuid;
    ULONG ConnectionType;
    ULONG64 TransmitLinkSpeed;
    ULONG64 ReceiveLinkSpeed;
    ULONG64 InOctets;
    ULONG64 InUcastPkts;
    ULONG64 InNUcastPkts;
    ULONG64 InDiscards;
    ULONG64 InErrors;
    ULONG64 InUnknownProtos;
    ULONG64 InUcastOctets;
    ULONG64 InMulticastOctets;
    ULONG64 InBroadcastOctets;
    ULONG64 OutOctets;
    ULONG64 OutUcastPkts;
    ULONG64 OutNUcastPkts;
    ULONG64 OutDiscards;
    ULONG64 OutErrors;
    ULONG64 OutUcastOctets;
    ULONG64 OutMulticastOctets;
    ULONG64 OutBroadcastOctets;
    ULONG64 OutQLen;
} MIB_IF_ROW2, *PMIB_IF_ROW2;
typedef struct _MIB_IF_TABLE2 {
    ULONG NumEntries;
    MIB_IF_ROW2 Table[ANY_SIZE];
} MIB_IF_TABLE2, *PMIB_IF_TABLE2;

NTKERNELAPI VOID NTAPI FreeMibTable(PVOID Memory);
NTKERNELAPI NTSTATUS NTAPI GetIfEntry2(PMIB_IF_ROW2 Row);
NTKERNELAPI NTSTATUS NTAPI GetIfTable2(PMIB_IF_TABLE2 *Table);
NTKERNELAPI NTSTATUS NTAPI GetUnicastIpAddressTable(ADDRESS_FAMILY Family,
                                                    PMIB_UNICASTIPADDRESS_TABLE *Table);
NTKERNELAPI NTSTATUS NTAPI GetUnicastIpAddressEntry(PMIB_UNICASTIPADDRESS_ROW Row);
NTKERNELAPI NTSTATUS NTAPI GetIpForwardTable2(ADDRESS_FAMILY Family, PMIB_IPFORWARD_TABLE2 *Table);
NTKERNELAPI NTSTATUS NTAPI GetBestRoute2(NET_LUID *InterfaceLuid, NET_IFINDEX InterfaceIndex,
                                         const SOCKADDR_INET *SourceAddress,
                                         const SOCKADDR_INET *DestinationAddress,
                                         ULONG AddressSortOptions, PMIB_IPFORWARD_ROW2 BestRoute,
                                         SOCKADDR_INET *BestSourceAddress);
NTKERNELAPI NTSTATUS NTAPI GetIpInterfaceEntry(PMIB_IPINTERFACE_ROW Row);
NTKERNELAPI NTSTATUS NTAPI GetIpInterfaceTable(ADDRESS_FAMILY Family,
                                               PMIB_IPINTERFACE_TABLE *Table);
NTKERNELAPI VOID NTAPI InitializeIpInterfaceEntry(PMIB_IPINTERFACE_ROW Row);
NTKERNELAPI VOID NTAPI InitializeUnicastIpAddressEntry(PMIB_UNICASTIPADDRESS_ROW Row);

typedef VOID NTAPI IPFORWARD_CHANGE_CALLBACK(PVOID CallerContext, PMIB_IPFORWARD_ROW2 Row,
                                             MIB_NOTIFICATION_TYPE NotificationType);
typedef IPFORWARD_CHANGE_CALLBACK *PIPFORWARD_CHANGE_CALLBACK;
typedef VOID NTAPI IPINTERFACE_CHANGE_CALLBACK(PVOID CallerContext, PMIB_IPINTERFACE_ROW Row,
                                               MIB_NOTIFICATION_TYPE NotificationType);
typedef IPINTERFACE_CHANGE_CALLBACK *PIPINTERFACE_CHANGE_CALLBACK;
typedef VOID NTAPI UNICAST_IPADDRESS_CHANGE_CALLBACK(PVOID CallerContext,
                                                     PMIB_UNICASTIPADDRESS_ROW Row,
                                                     MIB_NOTIFICATION_TYPE NotificationType);
typedef UNICAST_IPADDRESS_CHANGE_CALLBACK *PUNICAST_IPADDRESS_CHANGE_CALLBACK;
NTKERNELAPI NTSTATUS NTAPI NotifyRouteChange2(ADDRESS_FAMILY AddressFamily,
                                              PIPFORWARD_CHANGE_CALLBACK Callback,
                                              PVOID CallerContext, BOOLEAN InitialNotification,
                                              HANDLE *NotificationHandle);
NTKERNELAPI NTSTATUS NTAPI NotifyIpInterfaceChange(ADDRESS_FAMILY Family,
                                                   PIPINTERFACE_CHANGE_CALLBACK Callback,
                                                   PVOID CallerContext, BOOLEAN InitialNotification,
                                                   HANDLE *NotificationHandle);
NTKERNELAPI NTSTATUS NTAPI NotifyUnicastIpAddressChange(ADDRESS_FAMILY Family,
                                                        PUNICAST_IPADDRESS_CHANGE_CALLBACK Callback,
                                                        PVOID CallerContext,
                                                        BOOLEAN InitialNotification,
                                                        HANDLE *NotificationHandle);
NTKERNELAPI NTSTATUS NTAPI CancelMibChangeNotify2(HANDLE NotificationHandle);
NTKERNELAPI NTSTATUS NTAPI ConvertInterfaceLuidToIndex(const NET_LUID *InterfaceLuid,
                                                       PNET_IFINDEX InterfaceIndex);
NTKERNELAPI NTSTATUS NTAPI ConvertInterfaceIndexToLuid(NET_IFINDEX InterfaceIndex,
                                                       PNET_LUID InterfaceLuid);
NTKERNELAPI NTSTATUS NTAPI ConvertInterfaceLuidToGuid(const NET_LUID *InterfaceLuid,
                                                      GUID *InterfaceGuid);
NTKERNELAPI NTSTATUS NTAPI ConvertInterfaceGuidToLuid(const GUID *InterfaceGuid,
                                                      PNET_LUID InterfaceLuid);

OW_END_C

#endif
