import crmsh_here
from crmsh import qdevice

qdevice.QDevice.remove_certification_files_on_qnetd()
qdevice.QDevice.remove_qdevice_db(["node1", "node2", "node3"])
print("removed")
